"""How a class of settings becomes a TOML file and back: reading, refusing and explaining.

Responsible for the mechanics only; which settings exist stands in switch/config.py. A settings class is a frozen
dataclass whose fields are `Annotated[type, Key(kind, doc)]`, so rule, explanation and default of a key stand together,
and the file that `init` writes cannot differ from what the daemon reads.
"""

import difflib
import json
import os
import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import MISSING, dataclass, fields
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

T = TypeVar("T")


class ConfigError(Exception):
    """A wrong file: one line that names the file, the key, the reason and what is allowed."""

    def __init__(self, file: Path, key: str, reason: str, allowed: str = "") -> None:
        line = f"{file}: {key}: {reason}" + (f"; allowed: {allowed}" if allowed else "")
        super().__init__(" ".join(line.split()))  # a quoted key may hold a line end


# -- what a key may hold ----------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Kind:
    """A rule for values: `parse` takes what TOML gave and the file's folder, and raises ValueError with the reason."""

    allowed: str
    parse: Callable[[Any, Path], Any]
    example: Any = ""


@dataclass(frozen=True)
class Section:
    """A table of its own, described by another settings class. `many`: an array of such tables."""

    cls: type
    many: bool = False


@dataclass(frozen=True)
class Key:
    """One key of a file. `live`: a changed value is taken over by a reload, without a restart."""

    kind: Kind | Section
    doc: str
    live: bool = False


def whole(low: int, high: int) -> Kind:
    def parse(value: Any, folder: Path) -> int:
        if type(value) is not int or not low <= value <= high:  # bool is an int, but no number of anything
            raise ValueError(f"{shown(value)} is not in range")
        return value

    return Kind(f"a whole number from {low} to {high}", parse, low)


def seconds(low: float, high: float) -> Kind:
    def parse(value: Any, folder: Path) -> float:
        if type(value) not in (int, float) or not low <= value <= high:
            raise ValueError(f"{shown(value)} is not in range")
        return float(value)

    return Kind(f"a number of seconds from {low:g} to {high:g}", parse, low)


def choice(*words: str) -> Kind:
    def parse(value: Any, folder: Path) -> str:
        if value not in words:
            raise ValueError(f"{shown(value)} is not known")
        return str(value)

    *most, last = map(shown, words)
    return Kind(f"{', '.join(most)} or {last}", parse, words[0])


def word(pattern: str, allowed: str, example: str) -> Kind:
    def parse(value: Any, folder: Path) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ValueError(f"{shown(value)} has another form")
        return value

    return Kind(allowed, parse, example)


def path(example: str, *, exists: bool = False, bytes_max: int = 4095) -> Kind:
    """A file, relative to the folder of the configuration file; 4095 bytes is Linux's longest path."""

    def parse(value: Any, folder: Path) -> Path:
        if not isinstance(value, str | Path) or not str(value) or "\0" in str(value):
            raise ValueError(f"{shown(value)} is not a path")
        full = folder / value
        if len(bytes(full)) > bytes_max:
            raise ValueError(f"{full} is longer than {bytes_max} bytes")
        return existing(full) if exists else full

    return Kind("the path of an existing file" if exists else "a path", parse, example)


def secret_path(example: str) -> Kind:
    """A file, or `credential:NAME`: one that the service manager hands over (LoadCredential of systemd)."""
    plain = path(example)

    def parse(value: Any, folder: Path) -> Path:
        if not isinstance(value, str) or not value.startswith(CREDENTIAL):
            found: Path = plain.parse(value, folder)
            return found
        name = value.removeprefix(CREDENTIAL)
        if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*", name):
            raise ValueError(f"{shown(value)} names no credential")
        return Path(os.environ.get("CREDENTIALS_DIRECTORY") or CREDENTIALS) / name

    return Kind(f"a path, or {CREDENTIAL}NAME", parse, example)


def existing(file: Path) -> Path:
    if not os.path.isfile(file):  # unlike Path.is_file it says False of a name too long for the file system
        raise ValueError(f"there is no file {file}")
    return file


def _parse_flag(value: Any, folder: Path) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{shown(value)} is neither")
    return value


def _parse_host(value: Any, folder: Path) -> str:
    if value == "localhost":
        return "127.0.0.1"
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is not an address")
    try:
        return str(ip_address(value))
    except ValueError:
        raise ValueError(f"{shown(value)} is not an address") from None


def _parse_networks(value: Any, folder: Path) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"{shown(value)} is not a list")
    for item in value:
        try:
            ip_network(item if isinstance(item, str) else "")  # a number would be taken for an address
        except ValueError:
            raise ValueError(f"{shown(item)} is not a network") from None
    return tuple(value)


CREDENTIAL = "credential:"
CREDENTIALS = "/run/credentials/tillswitch.service"  # for the commands of operators, which nobody hands anything
FLAG = Kind("true or false", _parse_flag, False)
HOST = Kind('an IP address or "localhost"', _parse_host, "127.0.0.1")
NETWORKS = Kind('a list of networks like "10.0.0.0/8"', _parse_networks, ())


def shown(value: Any) -> str:
    """A value as the file would have it; a long one is cut, because errors are one line."""
    text = toml(value)
    return text if len(text) <= 80 else f"{text[:79]}…"


def toml(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str() | Path():
            return json.dumps(str(value), ensure_ascii=False)
        case list() | tuple():
            return f"[{', '.join(map(toml, value))}]"
        case dict():
            return f"{{ {', '.join(f'{toml(key)} = {toml(item)}' for key, item in value.items())} }}" if value else "{}"
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)


def keys_of(cls: type) -> dict[str, tuple[Key, Any]]:
    """The keys of a settings class with their defaults (MISSING where the file must say it)."""
    hints = get_type_hints(cls, include_extras=True)
    return {
        field.name: (
            hints[field.name].__metadata__[0],
            field.default_factory() if field.default_factory is not MISSING else field.default,
        )
        for field in fields(cls)
    }


# -- from a file ------------------------------------------------------------------------------------------------------
def read_section(cls: type[T], table: Any, file: Path, place: str = "") -> T:
    """Make a settings object of a TOML table; `place` is its dotted path with a dot behind it.

    Raises:
        ConfigError: the first thing that is wrong.
    """
    keys = keys_of(cls)
    if not isinstance(table, dict):
        raise ConfigError(file, place.rstrip("."), f"{shown(table)} is not a table", f"a table of {', '.join(keys)}")
    for name in table:
        if name not in keys:
            close = difflib.get_close_matches(name, keys, 1)
            hint = f', did you mean "{close[0]}"?' if close else ""
            raise ConfigError(file, f"{place}{name}", f"there is no such key{hint}", ", ".join(keys))
    return cls(
        **{name: _read_key(key, table.get(name, given), file, place + name) for name, (key, given) in keys.items()}
    )


def _read_key(key: Key, value: Any, file: Path, place: str) -> Any:
    match key.kind:
        case Section(cls, many=True):
            if value == ():  # its default: none
                return ()
            if not isinstance(value, list) or not value:
                raise ConfigError(file, place, "there is none", f"one or more tables [[{place}]]")
            return tuple(read_section(cls, table, file, f"{place}[{i}].") for i, table in enumerate(value))
        case Section(cls):
            if value is None:
                return None
            # a default section is read like an empty table: its relative paths are resolved like written ones
            return read_section(cls, {} if isinstance(value, cls) else value, file, f"{place}.")
        case Kind(allowed, parse):
            if value is MISSING:
                raise ConfigError(file, place, "is missing", allowed)
            if value is None:
                return None
            try:
                return parse(value, file.parent)
            except ValueError as error:
                raise ConfigError(file, place, str(error), allowed) from None


# -- to a file --------------------------------------------------------------------------------------------------------
def write_section(settings: Any, explained: set[str], place: str = "") -> Iterator[str]:
    """The lines of a file that says `settings`.

    Each key is explained where it comes first; where it comes again it is left out if it has its default.
    """
    sections = []
    for name, (key, default) in keys_of(type(settings)).items():
        if isinstance(key.kind, Section):
            sections.append((name, key.doc, key.kind))
            continue
        value = getattr(settings, name)
        label = f"{type(settings).__name__}.{name}"
        if label in explained and value == default:
            continue
        if label not in explained:
            explained.add(label)
            yield from _explanation(key, key.kind, default)
        yield f"# {name} = {toml(key.kind.example)}" if value is None else f"{name} = {toml(value)}"
    for name, doc, section in sections:
        yield from _write_tables(getattr(settings, name), section, place + name, doc, explained)


def _write_tables(value: Any, section: Section, place: str, doc: str, explained: set[str]) -> Iterator[str]:
    header = f"[[{place}]]" if section.many else f"[{place}]"
    for item in value if section.many else [value] if value is not None else []:
        first = section.cls.__name__ not in explained
        explained.add(section.cls.__name__)
        yield from ("", *(_comment(doc) if first else ()), header)
        yield from write_section(item, explained, f"{place}.")


def write_unused(cls: type, explained: set[str], place: str = "") -> Iterator[str]:
    """Optional tables that `write_section` had no use for, as comments that only wait for their # to be removed."""
    for name, (key, _) in keys_of(cls).items():
        if not isinstance(key.kind, Section):
            continue
        inner = key.kind.cls
        if inner.__name__ not in explained:
            keys = keys_of(inner).items()
            needed = {n: k.kind.example for n, (k, default) in keys if default is MISSING and isinstance(k.kind, Kind)}
            header = f"[[{place}{name}]]" if key.kind.many else f"[{place}{name}]"
            lines = [header, *write_section(inner(**needed), explained, f"{place}{name}.")]
            yield from ("", *_comment(key.doc), *(f"# {line}" if line[:1] not in ("", "#") else line for line in lines))
        yield from write_unused(inner, explained, f"{place}{name}.")


def _explanation(key: Key, kind: Kind, default: Any) -> Iterator[str]:
    usual = "" if default is MISSING or default is None else f" Default: {toml(default)}."
    live = " (reload)" if key.live else ""
    yield from ("", *_comment(key.doc + live), *_comment(f"Allowed: {kind.allowed}.{usual}"))


def _comment(doc: str) -> list[str]:
    return textwrap.wrap(doc, 118, initial_indent="# ", subsequent_indent="# ")
