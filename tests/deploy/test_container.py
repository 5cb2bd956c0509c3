"""The container and the compose file: linted, and what they say is done here, in namespaces like a container's.

No container engine: a read-only root, one folder to write in, a user without any rights, a network of its own.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

import switch
from switch.cli.lifecycle import DEFAULT_PORTS
from switch.cli.main import main as tillswitch
from tests.cli.operator import ROOT
from tests.deploy.test_prometheus import MISSING
from tests.test_docs import check_command
from tests.test_wheel import SHIPPED

CONTAINER = ROOT / "deploy/container"
COMPOSE = ROOT / "deploy/compose"
DOCKERFILE = (CONTAINER / "Dockerfile").read_text("utf-8")
BESIDE = Path(sys.executable).parent
USER = "65532"
DATA = "/var/lib/tillswitch"

#: Root elsewhere is enough, and so is nobody where the system lets everybody have namespaces.
NAMESPACES = ["unshare", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"]), "--mount", "--net"]
NAMESPACES += ["--pid", "--fork", "--kill-child"]  # nothing outlives its test


def can_have_namespaces() -> bool:
    if not shutil.which("unshare") or not shutil.which("ip"):
        return False
    inner = ["unshare", "--user", f"--map-user={USER}", f"--map-group={USER}", "true"]
    return subprocess.run([*NAMESPACES, *inner], capture_output=True).returncode == 0


def instructions(word: str) -> list[str]:
    return re.findall(rf"^{word} (.*)$", DOCKERFILE.replace("\\\n", " "), re.MULTILINE)


def compose() -> Any:
    return YAML(typ="safe").load(COMPOSE / "compose.yml")


def words(text: str) -> list[str]:
    """["a", "b"] as Docker writes it."""
    found = YAML(typ="safe").load(text)
    assert isinstance(found, list)
    return found


# -- what the files say ------------------------------------------------------------------------------------------------
def test_the_files_are_linted() -> None:
    run([BESIDE / "hadolint", CONTAINER / "Dockerfile"])
    run([BESIDE / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE / "compose.yml"])


def test_the_image_has_what_the_wheel_has_and_nothing_else() -> None:
    copied = {name for line in instructions("COPY") if "--from" not in line for name in line.split()[:-1]}
    assert copied == {*SHIPPED, "requirements.lock"}
    ignore = (CONTAINER / "Dockerfile.dockerignore").read_text().splitlines()
    assert ignore[1] == "*"
    assert {line.removeprefix("!") for line in ignore if line.startswith("!")} == copied


def test_the_commands_of_the_image_exist() -> None:
    (health,) = re.findall(r"CMD (\[.*\])$", instructions("HEALTHCHECK")[0])
    entry, command = words(*instructions("ENTRYPOINT")), words(*instructions("CMD"))
    assert words(health)[:1] == entry == ["tillswitch"]
    for arguments in (words(health)[1:], command, compose()["services"]["init"]["command"]):
        check_command(str(arguments), tillswitch, arguments)
    assert instructions("USER") == [f"{USER}:{USER}"]
    assert instructions("WORKDIR")[-1] == DATA
    assert instructions("VOLUME") == [DATA]


def test_every_image_has_a_version_and_ours_is_this_one() -> None:
    """What is pulled today is what was pulled when it was tried."""
    images = {name: service["image"] for name, service in compose()["services"].items()}
    assert images.pop("init") == images["switch"] == f"tillswitch:{switch.__version__}"
    assert f"-t tillswitch:{switch.__version__} ." in DOCKERFILE
    assert f"-t tillswitch:{switch.__version__} ." in (ROOT / "deploy/OPERATIONS.md").read_text("utf-8")
    for name, image in images.items():
        assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+", image), f"{name}: {image}"
    for base in instructions("FROM"):
        assert re.fullmatch(r"python:3\.\d+-slim-[a-z]+", base.split()[0]), base


def test_everything_compose_mounts_is_there_and_everything_it_publishes_stays_on_this_machine() -> None:
    services = compose()["services"]
    for name, service in services.items():
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert not source.startswith(".") or (COMPOSE / source).exists(), f"{name}: {volume}"
            assert source.startswith(".") or source in compose()["volumes"], f"{name}: {volume}"
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), f"{name}: {port}"
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert set(service.get("secrets", [])) <= compose()["secrets"].keys()
    for name in ("init", "switch"):
        assert services[name]["read_only"]
        assert services[name]["user"] == f"{USER}:{USER}"


def test_the_doors_are_those_of_init() -> None:
    """A dialect that is added to `init` has its port in the image, and its listener in the compose file."""
    assert set(map(int, instructions("EXPOSE")[0].split())) == set(DEFAULT_PORTS.values())
    config = tomllib.loads((COMPOSE / "tillswitch.toml").read_text())
    doors = {one["name"]: one["port"] for one in config["listeners"]} | {"ops": config["ops"]["port"]}
    assert doors == {name: port for name, port in DEFAULT_PORTS.items() if not name.endswith("-tls")}
    published = {int(port.split(":")[2]) for port in compose()["services"]["switch"]["ports"]}
    assert published == set(doors.values())


def test_grafana_finds_its_boards_and_its_prometheus() -> None:
    provisioning = ROOT / "deploy/grafana/provisioning"
    (source,) = YAML(typ="safe").load(provisioning / "datasources/prometheus.yml")["datasources"]
    (provider,) = YAML(typ="safe").load(provisioning / "dashboards/tillswitch.yml")["providers"]
    grafana = compose()["services"]["grafana"]
    mounts = {there: here for here, there, *_ in (volume.split(":") for volume in grafana["volumes"])}
    assert list((COMPOSE / mounts[provider["options"]["path"]]).glob("*.json"))
    assert (COMPOSE / mounts["/etc/grafana/provisioning"]).resolve() == provisioning
    service, _, port = source["url"].removeprefix("http://").partition(":")
    assert f":{port}:" in f"{compose()['services'][service]['ports'][0]}:"


@pytest.mark.skipif(bool(MISSING), reason=f"NO TESTS OF MONITORING: no {' and no '.join(MISSING)}; make test-deps")
def test_prometheus_and_alertmanager_take_what_is_mounted(tmp_path: Path) -> None:
    for name, etc in (("prometheus", "/etc/prometheus/"), ("alertmanager", "/etc/alertmanager/")):
        for volume in compose()["services"][name]["volumes"]:
            here, there, *_ = volume.split(":")
            if there.startswith(etc):
                shutil.copy(COMPOSE / here, tmp_path / there.removeprefix(etc))
    run(["promtool", "check", "config", "--syntax-only", tmp_path / "prometheus.yml"])
    run(["promtool", "check", "rules", tmp_path / "tillswitch.rules.yml"])
    run(["amtool", "check-config", tmp_path / "alertmanager.yml"])
    config = YAML(typ="safe").load(tmp_path / "prometheus.yml")
    assert [Path(file).name for file in config["rule_files"]] == ["tillswitch.rules.yml"]
    alone = YAML(typ="safe").load(ROOT / "deploy/prometheus/prometheus.yml")
    assert [one["job_name"] for one in config["scrape_configs"]] == [one["job_name"] for one in alone["scrape_configs"]]


# -- what they do ------------------------------------------------------------------------------------------------------
AS_IN_THE_IMAGE = r"""
set -eu
ip link set lo up
mount --make-rprivate /
mount -t tmpfs none /run && mkdir /run/secrets && mount --bind "$SECRETS" /run/secrets
mount -t tmpfs none /var/lib && mkdir "$DATA" && mount --bind "$BOOKS" "$DATA"
for place in / /run /var/lib; do mount -o remount,bind,ro "$place"; done
cd "$DATA"
user=(unshare --user --map-user="$AS" --map-group="$AS" setpriv --no-new-privs --bounding-set=-all)
[ "$("${user[@]}" id -u)" = "$AS" ]
if "${user[@]}" touch "$SOURCE/written" /run/secrets/written 2>/dev/null; then echo "no read-only root"; exit 1; fi
"${user[@]}" tillswitch $INIT
cp "$CONFIG" "$DATA/tillswitch.toml"
"${user[@]}" tillswitch $SERVE > serve.log 2>&1 &
for try in $(seq 100); do "${user[@]}" $HEALTH > health.log 2>&1 && break; sleep 0.1; done
cat health.log
"${user[@]}" python -c "$ASK"
kill -TERM $!
wait $!
"""
ASK = r"""
import urllib.error, urllib.request
url = "http://127.0.0.1:9583/metrics"
try:
    urllib.request.urlopen(url)
except urllib.error.HTTPError as error:
    print("without the token:", error.code)
token = open("/run/secrets/ops-token").read().strip()
with urllib.request.urlopen(urllib.request.Request(url, headers={"Authorization": "Bearer " + token})) as answer:
    print("with it:", answer.status)
"""


@pytest.mark.slow
@pytest.mark.skipif(not can_have_namespaces(), reason="NO TEST OF THE CONTAINER: no namespaces, or no iproute2")
def test_a_switch_of_the_compose_file_lives_on_a_read_only_root_without_any_rights(tmp_path: Path) -> None:
    books, secrets = tmp_path / "books", tmp_path / "secrets"
    books.mkdir(mode=0o700)
    secrets.mkdir()
    (secrets / "ops-token").write_text("0123456789abcdef")
    services = compose()["services"]
    (mount,) = [volume for volume in services["switch"]["volumes"] if volume.startswith("./")]
    here, there, _ = mount.split(":")
    assert there == f"{DATA}/tillswitch.toml"
    (health,) = re.findall(r"CMD (\[.*\])$", instructions("HEALTHCHECK")[0])
    environment = {
        "PATH": f"{BESIDE}:/usr/sbin:/usr/bin:/sbin:/bin",
        "PYTHONDONTWRITEBYTECODE": "1",
        "DATA": DATA, "BOOKS": str(books), "SECRETS": str(secrets), "CONFIG": str(COMPOSE / here),
        "AS": USER, "SOURCE": str(ROOT), "ASK": ASK,
        "INIT": shlex.join(services["init"]["command"]),
        "SERVE": shlex.join(words(*instructions("CMD"))), "HEALTH": shlex.join(words(health)),
    }  # fmt: skip
    done = subprocess.run(
        [*NAMESPACES, "bash", "-c", AS_IN_THE_IMAGE], env=environment, capture_output=True, text=True, timeout=120
    )
    log = (books / "serve.log").read_text() if (books / "serve.log").exists() else ""
    assert done.returncode == 0, done.stdout + done.stderr + log
    assert "without the token: 401\nwith it: 200\n" in done.stdout
    assert ", ready" in done.stdout


def run(command: Sequence[object]) -> None:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
