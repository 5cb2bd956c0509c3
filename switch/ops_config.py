"""The settings of what people watch the daemon by: the ops pages and webhooks. Read by switch/config.py."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from switch.core.presence import Event
from switch.settings import FLAG, HOST, Key, Kind, Section, path, shown, whole, word


def _parse_url(value: Any, folder: Path) -> str:
    """Never repeats the value: an address may hold a secret."""
    try:
        parts = urlsplit(value if isinstance(value, str) else "")
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and not parts.username
    except ValueError:
        usable = False
    if not usable or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("is not an address")
    return str(value)


def _parse_events(value: Any, folder: Path) -> tuple[str, ...]:
    names = [event.value for event in Event]
    if not isinstance(value, list | tuple) or not value:
        raise ValueError(f"{shown(value)} is not a list")
    for item in value:
        if item not in names:
            raise ValueError(f"{shown(item)} is not known")
    return tuple(value)


NAME = word(r"[a-z][a-z0-9_-]{0,31}", "up to 32 of a-z, 0-9, _ and -, a letter first", "nac")
URL = Kind("http:// or https://, a host, without user and password", _parse_url, "https://alarms.example/tillswitch")
EVENTS = Kind(f"a list of {', '.join(event.value for event in Event)}", _parse_events)


@dataclass(frozen=True, kw_only=True)
class ServerTLSConfig:
    certificate: Annotated[Path, Key(path("server.pem", exists=True), "PEM: our certificate and its chain.", live=True)]
    key: Annotated[Path, Key(path("server.key", exists=True), "PEM: the private key of it.", live=True)]
    client_ca: Annotated[
        Path | None, Key(path("ca.pem", exists=True), "PEM: who signs the certificates of terminals.", live=True)
    ] = None
    client_certificate_required: Annotated[
        bool,
        Key(FLAG, "Who shows no certificate is not let in. If false the door counts as a plain one for access."),
    ] = True


@dataclass(frozen=True, kw_only=True)
class OpsConfig:
    host: Annotated[
        str, Key(HOST, "Address of the pages. Others than loopback need a token, or TLS with client certificates.")
    ] = "127.0.0.1"
    port: Annotated[int, Key(whole(0, 65535), "TCP port; 0 lets the system choose.")] = 9583
    token: Annotated[
        Path | None,
        Key(
            path("ops.token", exists=True),
            "A file with a token of at least 16 characters; whoever reads the pages must show it, as `Authorization: "
            "Bearer TOKEN`, or in a browser as the password.",
        ),
    ] = None
    tls: Annotated[ServerTLSConfig | None, Key(Section(ServerTLSConfig), "TLS 1.2 or newer for the ops pages.")] = None


@dataclass(frozen=True, kw_only=True)
class WebhookConfig:
    name: Annotated[str, Key(NAME, "How log and metrics call it.")]
    url: Annotated[str, Key(URL, "Where each event is posted to, as JSON. It must answer with a code from 200 to 299.")]
    secret: Annotated[
        Path,
        Key(path("webhook.secret", exists=True), "A file with at least 16 characters, which sign each message (HMAC)."),
    ]
    events: Annotated[tuple[str, ...], Key(EVENTS, "What it is told of.")] = tuple(event.value for event in Event)
    ca: Annotated[
        Path | None, Key(path("ca.pem", exists=True), "PEM: who signs its certificate, if not one the system trusts.")
    ] = None
