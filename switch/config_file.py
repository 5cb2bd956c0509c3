"""`tillswitch.toml`: read and checked as a whole, written with every key explained, and compared for a reload."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from switch.config import Config
from switch.ops_config import OpsConfig, ServerTLSConfig
from switch.settings import ConfigError, Section, keys_of, read_section, shown, write_section, write_unused

TEMPLATE_HEAD = (
    "# Configuration of tillswitch. `tillswitch check --config FILE` says what is wrong with it.",
    "# Keys marked (reload) change by `tillswitch reload` without dropping a connection, the others need a restart.",
)


def load_config(file: Path) -> Config:
    """Read and check a configuration; its relative paths count from the file's folder.

    Raises:
        ConfigError: the first thing that is wrong.
    """
    file = file.absolute()
    try:
        table = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(file, "file", f"cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(file, "file", f"is not TOML: {error}") from None
    config = read_section(Config, table, file)
    _check_listeners(config, file)
    return config


def _check_listeners(config: Config, file: Path) -> None:
    """What no key alone can say."""
    names: set[str] = set()
    _check_ops(config.ops, file)
    for i, webhook in enumerate(config.webhooks):
        if webhook.name in {other.name for other in config.webhooks[:i]}:
            raise ConfigError(file, f"webhooks[{i}].name", f"{shown(webhook.name)} is taken", "a name of its own")
    addresses = {(config.ops.host, config.ops.port)}
    for i, listener in enumerate(config.listeners):
        place = f"listeners[{i}]"
        if listener.name in names:
            raise ConfigError(file, f"{place}.name", f"{shown(listener.name)} is taken", "a name of its own")
        if listener.port and (listener.host, listener.port) in addresses:
            raise ConfigError(file, f"{place}.port", f"{listener.host}:{listener.port} is taken", "a port of its own")
        _check_tls(listener.tls, f"{place}.tls", file)
        if listener.anonymous and not ip_address(listener.host).is_loopback and not config.trusted_networks:
            allowed = "a loopback address, client certificates, or trusted_networks"
            raise ConfigError(
                file, f"{place}.host", f"anybody could speak for any merchant on {listener.host}", allowed
            )
        names.add(listener.name)
        addresses.add((listener.host, listener.port))


def _check_tls(tls: ServerTLSConfig | None, place: str, file: Path) -> None:
    if tls and tls.client_certificate_required and not tls.client_ca:
        raise ConfigError(file, f"{place}.client_ca", "is missing", "a path, or client_certificate_required = false")


def _check_ops(ops: OpsConfig, file: Path) -> None:
    _check_tls(ops.tls, "ops.tls", file)
    certificates = ops.tls is not None and ops.tls.client_certificate_required
    if not ip_address(ops.host).is_loopback and not ops.token and not certificates:
        allowed = "a loopback address, ops.token, or ops.tls with client certificates"
        raise ConfigError(file, "ops.host", f"anybody could read the pages on {ops.host}", allowed)


def config_template(config: Config) -> str:
    """The text of a `tillswitch.toml` that says `config`, with every key explained."""
    explained: set[str] = set()
    lines = [*TEMPLATE_HEAD, *write_section(config, explained), *write_unused(Config, explained)]
    return "\n".join(lines) + "\n"


def restart_keys(old: Config, new: Config) -> list[str]:
    """The keys that differ and that a reload cannot change; empty: everything new can be applied."""
    if [listener.name for listener in old.listeners] != [listener.name for listener in new.listeners]:
        return ["listeners", *_changed(replace(old, listeners=()), replace(new, listeners=()), "")]
    return _changed(old, new, "")


def _changed(old: Any, new: Any, place: str) -> list[str]:
    found = []
    for name, (key, _) in keys_of(type(new)).items():
        before, after = getattr(old, name), getattr(new, name)
        if before == after or key.live:
            continue
        if isinstance(before, tuple) and isinstance(key.kind, Section):
            for i, (a, b) in enumerate(zip(before, after, strict=True)):
                found += _changed(a, b, f"{place}{name}[{i}].")
        elif isinstance(key.kind, Section) and before is not None and after is not None:
            found += _changed(before, after, f"{place}{name}.")
        else:
            found.append(place + name)
    return found
