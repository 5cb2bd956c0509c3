"""The chart: linted, rendered as Helm does, taken by the API of Kubernetes, and its configuration by the switch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import helm_python
import kubernetes_validate  # type: ignore[import-untyped]  # has annotations, and no py.typed
import pytest
from ruamel.yaml import YAML

import switch
from switch.cli.main import main as tillswitch
from switch.config_file import load_config
from tests.cli.operator import ROOT
from tests.deploy.test_container import DATA, USER, instructions
from tests.test_docs import check_command

CHART = ROOT / "deploy/helm/tillswitch"
#: The oldest the chart allows, and one that many clusters run.
KUBERNETES = ("1.27", "1.33")
#: Of the Prometheus operator, which no schema of Kubernetes knows.
FOREIGN = "monitoring.coreos.com/v1"
VARIANTS: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "watched by the operator": {
        "serviceMonitor": {"enabled": True, "labels": {"release": "monitoring"}},
        "rules": {"enabled": True, "labels": {"release": "monitoring"}},
        "dashboards": {"enabled": True, "annotations": {"grafana_folder": "Tills"}},
    },
    "for terminals outside": {
        "service": {"type": "LoadBalancer", "annotations": {"example/internal": "true"}},
        "listeners": [{"name": "nac-tls", "port": 18583}, {"name": "ascii-tls", "port": 18584}],
    },
    "with its master key apart": {"masterKeySecret": "tillswitch-master-key"},
    "as small as can be": {"tlsSecret": "", "networkPolicy": {"enabled": False}, "resources": {}},
    "at a place of its own": {
        "image": {"repository": "registry.example/pos/tillswitch", "tag": "0.1.0-3"},
        "imagePullSecrets": [{"name": "registry"}],
        "volume": {"size": "100Gi", "storageClass": "fast"},
        "nodeSelector": {"disk": "nvme"},
        "tolerations": [{"key": "pos", "operator": "Exists", "effect": "NoSchedule"}],
        "podAnnotations": {"example/owner": "payments"},
    },
}  # fmt: skip


@pytest.fixture(params=VARIANTS)
def documents(request: pytest.FixtureRequest) -> list[Any]:
    return list(rendered(VARIANTS[request.param]))


def rendered(values: dict[str, Any], chart: Path = CHART) -> Iterator[Any]:
    for name, text in helm_python.Chart.load(chart).render(values, name="shop", namespace="pos").items():
        if name.endswith(".yaml"):
            yield from (document for document in YAML(typ="safe").load_all(text) if document)


def one(documents: list[Any], kind: str) -> Any:
    (found,) = [document for document in documents if document["kind"] == kind]
    return found


def pod_of(documents: list[Any]) -> Any:
    return one(documents, "StatefulSet")["spec"]["template"]["spec"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_helm_finds_nothing_wrong(variant: str) -> None:
    told = helm_python.lint(CHART, VARIANTS[variant], strict=True)
    assert not told["errors"]
    assert [message["error"] for message in told["messages"]] == ["icon is recommended"]


def test_kubernetes_takes_what_is_rendered(documents: list[Any]) -> None:
    for document in documents:
        if document["apiVersion"] != FOREIGN:
            for version in KUBERNETES:
                kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.parametrize(
    "values",
    [
        {"opsTokenSecret": ""},
        {"listeners": []},
        {"listeners": [{"name": "nac", "port": 583}]},  # a user without rights cannot have it
        {"listeners": [{"name": "a-name-of-no-port", "port": 8583}]},
        {"networkpolicy": {"enabled": False}},  # misspelt
        {"volume": {"size": "much"}},
        {"dashboards": {"enabled": True, "labels": {"grafana_dashboard": None}}},  # nobody would find them
    ],
)
def test_values_without_sense_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(helm_python.HelmError):
        list(rendered(values))
    assert helm_python.lint(CHART, values)["errors"]


def test_nothing_in_the_pod_has_rights(documents: list[Any]) -> None:
    pod = pod_of(documents)
    assert not pod["automountServiceAccountToken"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["runAsUser"] == pod["securityContext"]["fsGroup"] == int(USER)
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"] + pod["initContainers"]:
        confined = {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["securityContext"] == confined, container["name"]


def test_what_belongs_together_has_the_same_names(documents: list[Any]) -> None:
    pod = pod_of(documents)
    there = {volume["name"] for volume in pod["volumes"]} | {"books"}
    used = {mount["name"] for each in pod["containers"] + pod["initContainers"] for mount in each["volumeMounts"]}
    assert used == there
    labels = one(documents, "StatefulSet")["spec"]["template"]["metadata"]["labels"]
    ports = {port["name"] for port in pod["containers"][0]["ports"]}
    services = [document for document in documents if document["kind"] == "Service"]
    assert one(documents, "StatefulSet")["spec"]["serviceName"] in {each["metadata"]["name"] for each in services}
    for service in services:
        assert service["spec"]["selector"].items() <= labels.items()
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports
    monitors = [document for document in documents if document["kind"] == "ServiceMonitor"]
    for monitor in monitors:
        (ops,) = [
            each
            for each in services
            if monitor["spec"]["selector"]["matchLabels"].items() <= each["metadata"]["labels"].items()
        ]
        assert ops["metadata"]["labels"][monitor["spec"]["jobLabel"]] == "tillswitch", "rules ask for the job's name"


@pytest.mark.parametrize("packed", [False, True], ids=["of the repository", "packed"])
def test_rules_and_boards_are_those_of_their_folders_to_the_letter(packed: bool, tmp_path: Path) -> None:
    """The chart holds links to them, which Helm follows: there is no second copy."""
    chart = Path(helm_python.package(CHART, destination=tmp_path)) if packed else CHART
    documents = list(rendered(VARIANTS["watched by the operator"], chart))
    rules = one(documents, "PrometheusRule")
    assert rules["metadata"]["labels"]["release"] == "monitoring"
    assert rules["spec"] == YAML(typ="safe").load(ROOT / "deploy/prometheus/tillswitch.rules.yml")
    boards = {file.name: file.read_text("utf-8") for file in (ROOT / "deploy/grafana/dashboards").iterdir()}
    maps = [document for document in documents if document["kind"] == "ConfigMap"]
    assert {name: text for each in maps for name, text in each["data"].items()} == {
        f"tillswitch-{name}": text for name, text in boards.items()
    }
    for each in maps:
        assert each["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert each["metadata"]["annotations"] == {"grafana_folder": "Tills"}
    assert len({each["metadata"]["name"] for each in maps}) == len(boards)


def test_without_being_asked_for_there_are_neither() -> None:
    kinds = {document["kind"] for document in rendered({})}
    assert not kinds & {"PrometheusRule", "ConfigMap", "ServiceMonitor"}


def test_the_image_is_the_one_of_the_container_folder(documents: list[Any]) -> None:
    (container,) = pod_of(documents)["containers"]
    (books,) = [mount["mountPath"] for mount in container["volumeMounts"] if mount["name"] == "books"]
    assert [books] == instructions("VOLUME") == [DATA]
    probes = [container[f"{name}Probe"]["exec"]["command"] for name in ("startup", "readiness")]
    for words in (["tillswitch", *container["args"]], *probes):
        check_command(str(words), tillswitch, words[1:])
    told = YAML(typ="safe").load(CHART / "Chart.yaml")
    assert told["appVersion"] == switch.__version__


def test_the_switch_takes_the_configuration(tmp_path: Path) -> None:
    """With the files that the Secrets would bring, where they would be."""
    documents = list(rendered({}))
    text = one(documents, "Secret")["stringData"]["tillswitch.toml"]
    for name in ("ops/token", "tls/tls.crt", "tls/tls.key", "tls/client-ca.crt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "programme.toml").touch()
    (tmp_path / "tillswitch.toml").write_text(text.replace("/etc/tillswitch", str(tmp_path)))
    config = load_config(tmp_path / "tillswitch.toml")
    mounted = {mount["mountPath"] for mount in pod_of(documents)["containers"][0]["volumeMounts"]}
    assert {"/etc/tillswitch/ops", "/etc/tillswitch/tls", f"{DATA}/tillswitch.toml"} <= mounted
    (container,) = pod_of(documents)["containers"]
    open_ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert open_ports == {"ops": config.ops.port} | {each.name: each.port for each in config.listeners}
    assert all(each.tls and each.tls.client_certificate_required for each in config.listeners)
