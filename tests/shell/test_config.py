"""The configuration file: what is refused and with which line, what the template says, what a reload can change."""

# ruff: noqa: E501 - tables of exact messages read best with one case a line

import tomllib
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switch.config import Config, ListenerConfig, OpsConfig, TLSConfig, VaultConfig
from switch.config_file import config_template, load_config, restart_keys
from switch.settings import ConfigError, keys_of, read_section

NAC = '[[listeners]]\nname = "nac"\ndialect = "nac"\nport = 8583\n'
ASCII = '[[listeners]]\nname = "ascii"\ndialect = "ascii"\nport = 8584\n'
TLS = '[listeners.tls]\ncertificate = "server.pem"\nkey = "server.key"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data directory with the files a configuration may name; what is in them matters to others."""
    for name in ("server.pem", "server.key", "ca.pem", "own.toml", "programme.toml"):
        (tmp_path / name).touch()
    return tmp_path


def load(folder: Path, text: str) -> Config:
    file = folder / "tillswitch.toml"
    file.write_text(text)
    return load_config(file)


# -- what is right -----------------------------------------------------------------------------------------------------
def test_one_listener_is_a_whole_configuration(folder: Path) -> None:
    config = load(folder, NAC)
    assert config.listeners == (ListenerConfig(name="nac", dialect="nac", port=8583),)
    assert config.store == f"sqlite:///{folder}/books.db"
    assert config.vault.master_key == folder / "master.key"
    assert config.control_socket == folder / "control.sock"
    assert (config.ops.host, config.ops.port) == ("127.0.0.1", 9583)
    assert config.programme is None


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("sqlite:///books.db", "sqlite:///{folder}/books.db"),
        ("sqlite:////var/lib/books.db", "sqlite:////var/lib/books.db"),
        ("memory:", "memory:"),
        ("postgresql://till@db.example/till?sslmode=require", "postgresql://till@db.example/till?sslmode=require"),
    ],
)
def test_store_addresses(folder: Path, written: str, read: str) -> None:
    assert load(folder, f'store = "{written}"\n{NAC}').store == read.format(folder=folder)


def test_paths_count_from_the_file_not_from_where_one_stands(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "tillswitch.toml").write_text(f'programme = "programme.toml"\n{NAC}')
    monkeypatch.chdir(folder)
    assert load_config(Path("tillswitch.toml")).programme == folder / "programme.toml"


def test_a_dialect_of_the_sites_own_is_a_file(folder: Path) -> None:
    assert load(folder, NAC.replace('"nac"\np', '"own.toml"\np')).listeners[0].dialect == str(folder / "own.toml")


def test_localhost_is_the_loopback_address(folder: Path) -> None:
    assert load(folder, NAC + 'host = "localhost"\n').listeners[0].host == "127.0.0.1"


def test_applications_are_found_by_nii(folder: Path) -> None:
    config = load(folder, NAC)
    assert [config.application(nii) for nii in ("090", "001", "")] == ["loyalty", "main", "main"]
    assert load(folder, f'applications = {{ "007" = "fuel" }}\n{NAC}').application("090") == "main"


@pytest.mark.parametrize(
    ("peer", "trusted"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("11.1.2.3", False),
        ("fe80::1", False),
    ],
)
def test_anonymous_listeners_are_for_the_loopback_and_trusted_networks(folder: Path, peer: str, trusted: bool) -> None:
    assert load(folder, f'trusted_networks = ["10.0.0.0/8"]\n{NAC}').trusts(peer) is trusted


@pytest.mark.parametrize(
    ("tail", "anonymous", "takes_clear_pin"),
    [
        ("", True, False),
        ("clear_pin = true\n", True, True),
        (TLS + 'client_ca = "ca.pem"\n', False, True),
        (TLS + "client_certificate_required = false\n", True, True),
    ],
)
def test_what_a_listener_demands(folder: Path, tail: str, anonymous: bool, takes_clear_pin: bool) -> None:
    listener = load(folder, NAC + tail).listeners[0]
    assert (listener.anonymous, listener.takes_clear_pin) == (anonymous, takes_clear_pin)


def test_a_password_in_the_store_address_is_not_printed(folder: Path) -> None:
    assert "hunter2" not in repr(load(folder, f'store = "postgresql://till:hunter2@db/till"\n{NAC}'))


# -- what is wrong, and the one line that says so ----------------------------------------------------------------------
TOP_KEYS = "store, programme, node, control_socket, trusted_networks, applications, log_level, log_format, vault, ops, limits, schedules, webhooks, listeners"
STORES = "sqlite:///FILE, postgresql://USER@HOST/DATABASE or memory:"
PORTS = "a whole number from 0 to 65535"
WRONG = [
    # written                                  key: reason; allowed: values
    ("", "listeners: there is none; allowed: one or more tables [[listeners]]"),
    ("listeners = []", "listeners: there is none; allowed: one or more tables [[listeners]]"),
    ("listeners = 5", "listeners: there is none; allowed: one or more tables [[listeners]]"),
    ("listeners = [5]", "listeners[0]: 5 is not a table; allowed: a table of name, dialect, port, host, clear_pin, tpdu, connections_max, idle_seconds, frame_bytes_max, tls, link"),
    ("x = ", "file: is not TOML: Invalid value (at end of document)"),
    ("stor = 1\n" + NAC, f'stor: there is no such key, did you mean "store"?; allowed: {TOP_KEYS}'),
    ("zzz = 1\n" + NAC, f"zzz: there is no such key; allowed: {TOP_KEYS}"),
    ("store = 1\n" + NAC, f"store: has another form; allowed: {STORES}"),
    ('store = "mysql://u:pw@h/d"\n' + NAC, f"store: has another form; allowed: {STORES}"),
    ('store = "sqlite:///"\n' + NAC, f"store: has another form; allowed: {STORES}"),
    ('store = "postgresql:///d"\n' + NAC, f"store: has another form; allowed: {STORES}"),
    ('store = "postgresql://u:pw@[h/d"\n' + NAC, f"store: has another form; allowed: {STORES}"),
    ('programme = "gone.toml"\n' + NAC, "programme: there is no file {folder}/gone.toml; allowed: the path of an existing file"),
    (f'programme = "{"x" * 300}"\n{NAC}', f"programme: there is no file {{folder}}/{'x' * 300}; allowed: the path of an existing file"),
    ("programme = 7\n" + NAC, "programme: 7 is not a path; allowed: the path of an existing file"),
    (f'control_socket = "/{"x" * 107}"\n{NAC}', f"control_socket: /{'x' * 107} is longer than 107 bytes; allowed: a path"),
    ('trusted_networks = "10.0.0.0/8"\n' + NAC, 'trusted_networks: "10.0.0.0/8" is not a list; allowed: a list of networks like "10.0.0.0/8"'),
    ('trusted_networks = ["10.0.0.1/8"]\n' + NAC, 'trusted_networks: "10.0.0.1/8" is not a network; allowed: a list of networks like "10.0.0.0/8"'),
    ("trusted_networks = [5]\n" + NAC, 'trusted_networks: 5 is not a network; allowed: a list of networks like "10.0.0.0/8"'),
    ("trusted_networks = [1.5]\n" + NAC, 'trusted_networks: 1.5 is not a network; allowed: a list of networks like "10.0.0.0/8"'),
    ('applications = { 90 = "loyalty" }\n' + NAC, 'applications: { "90" = "loyalty" } has another form; allowed: a table of three digits and names like { "090" = "loyalty" }'),
    ("applications = 1\n" + NAC, 'applications: 1 is not a table; allowed: a table of three digits and names like { "090" = "loyalty" }'),
    ('log_level = "loud"\n' + NAC, 'log_level: "loud" is not known; allowed: "debug", "info", "warning" or "error"'),
    ("vault = 1\n" + NAC, "vault: 1 is not a table; allowed: a table of master_key, keys"),
    ("vault.master_key = 1\n" + NAC, "vault.master_key: 1 is not a path; allowed: a path, or credential:NAME"),
    ("ops.prot = 1\n" + NAC, 'ops.prot: there is no such key, did you mean "port"?; allowed: host, port, token, tls'),
    ('ops.host = "example.org"\n' + NAC, 'ops.host: "example.org" is not an address; allowed: an IP address or "localhost"'),
    ("ops.host = 1\n" + NAC, 'ops.host: 1 is not an address; allowed: an IP address or "localhost"'),
    ("limits.answer_seconds = 25\n" + NAC, "limits.answer_seconds: 25 is not in range; allowed: a number of seconds from 0.1 to 24"),
    ("limits.drain_seconds = nan\n" + NAC, "limits.drain_seconds: nan is not in range; allowed: a number of seconds from 0 to 300"),
    (NAC.replace("8583", "70000"), f"listeners[0].port: 70000 is not in range; allowed: {PORTS}"),
    (NAC.replace("8583", '"8583"'), f'listeners[0].port: "8583" is not in range; allowed: {PORTS}'),
    (NAC.replace("8583", "true"), f"listeners[0].port: true is not in range; allowed: {PORTS}"),
    (NAC.replace("port = 8583", ""), f"listeners[0].port: is missing; allowed: {PORTS}"),
    (NAC.replace('name = "nac"', 'name = "N A C"'), 'listeners[0].name: "N A C" has another form; allowed: up to 32 of a-z, 0-9, _ and -, a letter first'),
    (NAC.replace('dialect = "nac"', 'dialect = "visa"'), 'listeners[0].dialect: "visa" is not known; allowed: "nac", "ascii", "visa2" or the path of an existing .toml file'),
    (NAC.replace('dialect = "nac"', 'dialect = "a.toml"'), 'listeners[0].dialect: there is no file {folder}/a.toml; allowed: "nac", "ascii", "visa2" or the path of an existing .toml file'),
    (NAC + 'clear_pin = "no"', 'listeners[0].clear_pin: "no" is neither; allowed: true or false'),
    (NAC + 'tpdu = "turn"', 'listeners[0].tpdu: "turn" is not known; allowed: "swap" or "echo"'),
    (NAC + NAC, 'listeners[1].name: "nac" is taken; allowed: a name of its own'),
    (NAC + ASCII.replace("8584", "8583"), "listeners[1].port: 127.0.0.1:8583 is taken; allowed: a port of its own"),
    (NAC.replace("8583", "9583"), "listeners[0].port: 127.0.0.1:9583 is taken; allowed: a port of its own"),
    (NAC + 'host = "0.0.0.0"', "listeners[0].host: anybody could speak for any merchant on 0.0.0.0; allowed: a loopback address, client certificates, or trusted_networks"),
    (NAC + 'host = "::"\n' + TLS + "client_certificate_required = false", "listeners[0].host: anybody could speak for any merchant on ::; allowed: a loopback address, client certificates, or trusted_networks"),
    (NAC + TLS, "listeners[0].tls.client_ca: is missing; allowed: a path, or client_certificate_required = false"),
    (NAC + TLS.replace("server.key", "gone"), "listeners[0].tls.key: there is no file {folder}/gone; allowed: the path of an existing file"),
    (NAC + '[listeners.tls]\nkey = "server.key"', "listeners[0].tls.certificate: is missing; allowed: the path of an existing file"),
    ('"a\\nb" = 1\n' + NAC, f"a b: there is no such key; allowed: {TOP_KEYS}"),
    (f'log_level = "{"y" * 200}"\n{NAC}', f'log_level: "{"y" * 78}… is not known; allowed: "debug", "info", "warning" or "error"'),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_a_wrong_file_is_refused_in_one_line(folder: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        load(folder, text)
    assert str(refusal.value) == f"{folder}/tillswitch.toml: {message.replace('{folder}', str(folder))}"


def test_a_missing_file_is_refused_in_one_line(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"^\S+/none.toml: file: cannot be read: No such file or directory$"):
        load_config(folder / "none.toml")


VALUES = st.recursive(
    st.booleans()
    | st.integers(-1, 70_000)
    | st.floats()
    | st.text(st.characters(codec="ascii", exclude_characters="\x7f")),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("abn09", max_size=3), inner, max_size=2),
    max_leaves=4,
)


@pytest.fixture(scope="module")
def folder_for_many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("any")


@given(
    top=st.sampled_from(list(keys_of(Config))),
    inner=st.sampled_from(["", *keys_of(ListenerConfig), *keys_of(OpsConfig)]),
    value=VALUES,
)
def test_whatever_a_key_holds_it_is_taken_or_refused_in_one_line(
    folder_for_many: Path, top: str, inner: str, value: Any
) -> None:
    listener = {"name": "nac", "dialect": "nac", "port": 0}
    table: dict[str, Any] = {"listeners": [listener], top: {inner: value} if inner else value}
    if top == "listeners":
        table = {"listeners": [{**listener, inner: value}]}
    refusal = ""
    try:
        read_section(Config, table, folder_for_many / "tillswitch.toml")
    except ConfigError as error:
        refusal = str(error)
    assert len(refusal.splitlines()) <= 1


# -- the template ------------------------------------------------------------------------------------------------------
def full_config(folder: Path) -> Config:
    tls = TLSConfig(
        certificate=folder / "server.pem",
        key=folder / "server.key",
        client_ca=folder / "ca.pem",
        any_merchant_allowed=True,
    )
    return Config(
        store="memory:",
        programme=folder / "programme.toml",
        control_socket=folder / "ctl",
        trusted_networks=("10.0.0.0/8", "fd00::/8"),
        applications={"001": "fuel"},
        log_level="debug",
        ops=OpsConfig(host="0.0.0.0", port=0, token=folder / "own.toml"),
        vault=VaultConfig(master_key=folder / 'a "b"\\c', keys=folder / "ğ.json"),
        listeners=(
            ListenerConfig(name="plain", dialect="nac", port=1, clear_pin=True, idle_seconds=1.5),
            ListenerConfig(name="tls", dialect=str(folder / "own.toml"), port=2, host="0.0.0.0", tpdu="echo", tls=tls),
            ListenerConfig(name="tls2", dialect="ascii", port=3, tls=replace(tls, any_merchant_allowed=False)),
        ),
    )


def test_the_template_loads_back_equal(folder: Path) -> None:
    config = full_config(folder)
    assert load(folder, config_template(config)) == config


def test_relative_paths_stay_relative_in_the_template_so_that_a_directory_can_be_moved(folder: Path) -> None:
    config = Config(listeners=(ListenerConfig(name="nac", dialect="nac", port=8583),))
    text = config_template(config)
    assert str(folder) not in text
    assert load(folder, text) == load(folder, NAC)


def test_the_template_explains_every_key_once_and_shows_unused_tables_as_comments(folder: Path) -> None:
    for config in (full_config(folder), Config(listeners=full_config(folder).listeners[:1])):
        lines = config_template(config).splitlines()
        keys = [
            line.removeprefix("# ").split(" = ")[0]
            for above, line in pairwise(lines)
            if above.startswith("# Allowed: ")
        ]
        assert sum(line.startswith("# Allowed: ") for line in lines) == len(keys)
        assert {"store", "programme", "master_key", "drain_seconds", "tpdu", "certificate", "client_ca"} <= set(keys)
        assert (keys.count("tpdu"), keys.count("certificate")) == (1, 2), (
            "certificates: of listeners, and of the ops pages"
        )


def test_commented_tables_of_the_template_work_once_uncommented(folder: Path) -> None:
    text = config_template(Config(listeners=(ListenerConfig(name="nac", dialect="nac", port=8583),)))
    start = text.index("# [listeners.tls]")
    values = [line for line in text[start:].splitlines() if " = " in line or line.startswith("# [")]
    config = load(folder, text[:start] + "\n".join(line.removeprefix("# ") for line in values))
    assert config.listeners[0].tls == TLSConfig(
        certificate=folder / "server.pem", key=folder / "server.key", client_ca=folder / "ca.pem"
    )


def test_the_template_is_toml_without_duplicate_keys(folder: Path) -> None:
    parsed: dict[str, Any] = tomllib.loads(config_template(full_config(folder)))
    assert [listener["name"] for listener in parsed["listeners"]] == ["plain", "tls", "tls2"]


# -- reload ------------------------------------------------------------------------------------------------------------
def test_what_a_reload_cannot_change_is_named(folder: Path) -> None:
    old = full_config(folder)
    plain, tls, tls2 = old.listeners
    assert tls.tls is not None
    cases: list[tuple[Config, list[str]]] = [
        (old, []),
        (replace(old, log_level="error", trusted_networks=("10.0.0.0/8",)), []),
        (replace(old, limits=replace(old.limits, drain_seconds=1.0, queue_max=7)), ["limits.queue_max"]),
        (replace(old, store="sqlite:////b", log_level="error"), ["store"]),
        (replace(old, ops=OpsConfig()), ["ops.host", "ops.port", "ops.token"]),
        (replace(old, listeners=(replace(plain, idle_seconds=9.0), tls, tls2)), []),
        (replace(old, listeners=(replace(plain, port=9), tls, replace(tls2, tpdu="echo"))), ["listeners[0].port", "listeners[2].tpdu"]),
        (replace(old, listeners=(plain, replace(tls, tls=replace(tls.tls, key=folder / "k")), tls2)), []),
        (replace(old, listeners=(plain, replace(tls, tls=None), tls2)), ["listeners[1].tls"]),
        (replace(old, listeners=(plain, tls), store="sqlite:////b"), ["listeners", "store"]),
    ]  # fmt: skip
    for new, keys in cases:
        assert restart_keys(old, new) == keys


# -- the ops pages -----------------------------------------------------------------------------------------------------
OPS_TLS = '[ops.tls]\ncertificate = "server.pem"\nkey = "server.key"\n'


@pytest.mark.parametrize(
    "ops",
    [
        '[ops]\nhost = "::1"\n',
        '[ops]\nhost = "0.0.0.0"\ntoken = "own.toml"\n',
        f'[ops]\nhost = "0.0.0.0"\n{OPS_TLS}client_ca = "ca.pem"\n',
        f'[ops]\nhost = "0.0.0.0"\ntoken = "own.toml"\n{OPS_TLS}client_certificate_required = false\n',
    ],
)
def test_ops_pages_may_be_reachable_where_something_must_be_shown(folder: Path, ops: str) -> None:
    assert load(folder, ops + NAC).listeners


@pytest.mark.parametrize(
    "ops",
    ['[ops]\nhost = "0.0.0.0"\n', f'[ops]\nhost = "10.1.2.3"\n{OPS_TLS}client_certificate_required = false\n'],
)
def test_ops_pages_are_not_for_everybody(folder: Path, ops: str) -> None:
    with pytest.raises(ConfigError, match=r"ops\.host: anybody could read the pages on .*; allowed: a loopback"):
        load(folder, ops + NAC)


def test_ops_tls_needs_to_know_whose_certificates_to_take(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"ops\.tls\.client_ca: is missing"):
        load(folder, f"[ops]\n{OPS_TLS}{NAC}")


# -- webhooks ----------------------------------------------------------------------------------------------------------
HOOK = '[[webhooks]]\nname = "alarms"\nurl = "https://a.example:8443/in?x"\nsecret = "own.toml"\n'


def test_webhooks_are_read_and_there_need_be_none(folder: Path) -> None:
    assert load(folder, NAC).webhooks == ()
    (webhook,) = load(folder, NAC + HOOK + 'events = ["tamper"]\n').webhooks
    assert (webhook.name, webhook.url, webhook.events) == ("alarms", "https://a.example:8443/in?x", ("tamper",))
    assert len(load(folder, NAC + HOOK).webhooks[0].events) == 7


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"https://a.example:8443/in?x"', '"ftp://a.example"', "webhooks[0].url: is not an address; allowed: http"),
        ('"https://a.example:8443/in?x"', '"https://user:hush@a.example"', "webhooks[0].url: is not an address"),
        ('"https://a.example:8443/in?x"', '"https://a.example:x/"', "webhooks[0].url: is not an address"),
        ('"https://a.example:8443/in?x"', '"http://a b/"', "webhooks[0].url: is not an address"),
        ('"https://a.example:8443/in?x"', '"http:///x"', "webhooks[0].url: is not an address"),
        ('"own.toml"', '"none.txt"', "webhooks[0].secret: there is no file"),
        ('name = "alarms"', 'name = "A"', "webhooks[0].name: "),
        (
            "secret =",
            'events = ["gone"]\nsecret =',
            'webhooks[0].events: "gone" is not known; allowed: a list of offline',
        ),
        ("secret =", "events = []\nsecret =", "webhooks[0].events: "),
        ('secret = "own.toml"\n', "", "webhooks[0].secret: is missing"),
        (HOOK, HOOK + HOOK, 'webhooks[1].name: "alarms" is taken'),
        (HOOK, "[webhooks]\n", "webhooks: there is none"),
    ],
)
def test_a_wrong_webhook_is_refused_without_repeating_its_address(
    folder: Path, old: str, new: str, message: str
) -> None:
    with pytest.raises(ConfigError) as refusal:
        load(folder, NAC + HOOK.replace(old, new))
    assert f"tillswitch.toml: {message}" in str(refusal.value)
    assert "hush" not in str(refusal.value)


# -- credentials -------------------------------------------------------------------------------------------------------
def test_the_master_key_may_be_handed_over_by_the_service_manager(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = NAC + '[vault]\nmaster_key = "credential:master.key"\n'
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/somewhere")
    assert load(folder, text).vault.master_key == Path("/run/somewhere/master.key")
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    assert load(folder, text).vault.master_key == Path("/run/credentials/tillswitch.service/master.key")


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", ".hidden"])
def test_what_names_no_credential_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(
        ConfigError, match=r"vault\.master_key: .* names no credential; allowed: a path, or credential:"
    ):
        load(folder, NAC + f'[vault]\nmaster_key = "credential:{name}"\n')
