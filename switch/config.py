"""What a site may choose: the one frozen Config of the daemon, read from `tillswitch.toml` (switch/config_file.py).

Each key stands with its rule, its explanation and its default in one place; the file that `init` writes is generated
from here. What the programme owner decides (cards, amounts, refusals) is not here but in the programme file.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from specs import limits
from switch.ops_config import NAME, ServerTLSConfig, WebhookConfig
from switch.ops_config import OpsConfig as OpsConfig  # all settings can be had from here
from switch.settings import (
    FLAG,
    HOST,
    NETWORKS,
    Key,
    Kind,
    Section,
    choice,
    existing,
    path,
    seconds,
    secret_path,
    shown,
    whole,
    word,
)
from terminals.visa2_settings import LinkSettings


# -- rules only this file needs ---------------------------------------------------------------------------------------
def _parse_store(value: Any, folder: Path) -> str:
    """Never repeats the value: a PostgreSQL address may hold a password."""
    with suppress(ValueError):  # of urlsplit, whose messages repeat what they were given
        match urlsplit(value) if isinstance(value, str) else None:
            case ("memory", "", "", "", ""):
                return "memory:"
            case ("sqlite", "", file, "", "") if len(file) > 1:
                return f"sqlite:///{folder / file[1:]}"
            case ("postgresql", host, *_) if host:
                return str(value)
    raise ValueError("has another form")


def _parse_dialect(value: Any, folder: Path) -> str:
    if value in ("nac", "ascii", "visa2"):
        return str(value)
    if not isinstance(value, str) or not value.endswith(".toml"):
        raise ValueError(f"{shown(value)} is not known")
    return str(existing(folder / value))


def _parse_applications(value: Any, folder: Path) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError(f"{shown(value)} is not a table")
    for nii, name in value.items():
        if not (len(nii) == 3 and nii.isascii() and nii.isdigit() and isinstance(name, str) and name.isidentifier()):
            raise ValueError(f"{shown({nii: name})} has another form")
    return dict(value)


STORE = Kind("sqlite:///FILE, postgresql://USER@HOST/DATABASE or memory:", _parse_store)
DIALECT = Kind('"nac", "ascii", "visa2" or the path of an existing .toml file', _parse_dialect, "nac")
APPLICATIONS = Kind('a table of three digits and names like { "090" = "loyalty" }', _parse_applications)
NODE = word(r"[a-z0-9][a-z0-9_-]{0,31}", "up to 32 of a-z, 0-9, _ and -", "main")
TIME_OF_DAY = word(r"([01][0-9]|2[0-3])[0-5][0-9]|never", 'a time of day such as "0415", or "never"', "0415")

ANSWER_SECONDS_MAX = limits.TERMINAL_WAIT_SECONDS - limits.SEND_SECONDS - 1  # it must arrive while someone still waits


# -- the settings -----------------------------------------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True)
class TLSConfig(ServerTLSConfig):
    any_merchant_allowed: Annotated[
        bool, Key(FLAG, "A certificate naming merchant * speaks for every merchant (a processor's concentrator).")
    ] = False


@dataclass(frozen=True, kw_only=True)
class LinkConfig:
    poll_seconds: Annotated[float, Key(seconds(0.1, 60), "Between two ENQs to a terminal that says nothing.")] = (
        limits.VISA2_POLL_SECONDS
    )
    character_seconds: Annotated[float, Key(seconds(0.1, 60), "A frame that stops for so long is refused.")] = (
        limits.VISA2_CHARACTER_SECONDS
    )
    repeat_seconds: Annotated[float, Key(seconds(0.1, 60), "After NAK, for the frame to come again.")] = (
        limits.VISA2_REPEAT_SECONDS
    )
    capture_seconds: Annotated[float, Key(seconds(0.1, 60), "For the next record of a batch.")] = (
        limits.VISA2_CAPTURE_SECONDS
    )
    decide_seconds: Annotated[float, Key(seconds(0.1, 60), "For our own response; longer than answer_seconds.")] = (
        limits.VISA2_DECIDE_SECONDS
    )
    acknowledge_seconds: Annotated[
        float, Key(seconds(0.1, 60), "For the ACK to a response, before the response is sent again.")
    ] = limits.VISA2_ACKNOWLEDGE_SECONDS
    frame_seconds: Annotated[float, Key(seconds(0.1, 600), "A frame that is not whole after so long is refused.")] = (
        limits.FRAME_SECONDS
    )
    confirm_seconds: Annotated[
        float, Key(seconds(1, 600), "For a debit to be confirmed, whatever else happens; then it is undone.")
    ] = limits.CONFIRM_SECONDS
    polls_max: Annotated[int, Key(whole(1, 100), "ENQs without any answer, then the line is ended.")] = (
        limits.VISA2_POLLS_MAX
    )
    refusals_max: Annotated[int, Key(whole(1, 100), "NAKs in a row; the next bad frame ends the line.")] = (
        limits.VISA2_REFUSALS_MAX
    )
    sendings_max: Annotated[int, Key(whole(1, 100), "How often a response is sent that is not acknowledged.")] = (
        limits.VISA2_SENDINGS_MAX
    )
    acknowledge: Annotated[bool, Key(FLAG, "Say ACK to a good request before its response.")] = False


@dataclass(frozen=True, kw_only=True)
class ListenerConfig:
    name: Annotated[str, Key(NAME, "How logs, metrics and tools call this listener.")]
    dialect: Annotated[
        str, Key(DIALECT, "How messages look on the wire; a file describes a dialect of the site's own.")
    ]
    port: Annotated[int, Key(whole(0, 65535), "TCP port; 0 lets the system choose.")]
    host: Annotated[str, Key(HOST, "Address to listen on. Others than loopback need TLS or trusted_networks.")] = (
        "127.0.0.1"
    )
    clear_pin: Annotated[
        bool, Key(FLAG, "Take static PINs that come unencrypted over a plain line. Over TLS they are always taken.")
    ] = False
    tpdu: Annotated[
        str,
        Key(
            choice("swap", "echo"), "How an answer is addressed: the request's two addresses swapped, or as they were."
        ),
    ] = "swap"
    connections_max: Annotated[
        int, Key(whole(1, 65536), "Connections at a time; more are closed at once.", live=True)
    ] = limits.CONNECTIONS_MAX
    idle_seconds: Annotated[
        float, Key(seconds(1, 86_400), "A connection without any message for so long is closed.", live=True)
    ] = limits.IDLE_SECONDS
    frame_bytes_max: Annotated[int, Key(whole(64, 9999), "A longer frame closes the connection.", live=True)] = (
        limits.FRAME_BYTES_MAX
    )
    tls: Annotated[TLSConfig | None, Key(Section(TLSConfig), "TLS 1.2 or newer for the listener above.")] = None
    link: Annotated[
        LinkConfig | None, Key(Section(LinkConfig), "Timers of the VISA-2 link of the listener above.", live=True)
    ] = None

    @property
    def anonymous(self) -> bool:
        """Nobody has to show who they are: only the loopback and trusted networks may connect."""
        return self.tls is None or not self.tls.client_certificate_required

    @property
    def link_settings(self) -> LinkSettings:
        """Of a VISA-2 listener."""
        chosen = {} if self.link is None else vars(self.link)
        return LinkSettings(idle_seconds=self.idle_seconds, frame_bytes_max=self.frame_bytes_max, **chosen)

    @property
    def takes_clear_pin(self) -> bool:
        return self.tls is not None or self.clear_pin


@dataclass(frozen=True, kw_only=True)
class VaultConfig:
    master_key: Annotated[
        Path, Key(secret_path("master.key"), "The key that wraps all others; readable by the daemon's user only.")
    ] = Path("master.key")
    keys: Annotated[Path, Key(path("vault.json"), "The wrapped keys; worthless without the master key.")] = Path(
        "vault.json"
    )


@dataclass(frozen=True, kw_only=True)
class LimitsConfig:
    answer_seconds: Annotated[
        float, Key(seconds(0.1, ANSWER_SECONDS_MAX), "A later answer is not sent; the terminal asks again.", live=True)
    ] = limits.ANSWER_SECONDS
    drain_seconds: Annotated[
        float, Key(seconds(0, 300), "How long SIGTERM waits for answers that are under way.", live=True)
    ] = limits.DRAIN_SECONDS
    queue_max: Annotated[
        int, Key(whole(1, 1_000_000), "Requests waiting to be decided; beyond it terminals hear 96 at once.")
    ] = limits.QUEUE_MAX
    group_max: Annotated[int, Key(whole(1, 4096), "Requests decided and committed together.")] = limits.GROUP_MAX


@dataclass(frozen=True, kw_only=True)
class SchedulesConfig:
    expire_points: Annotated[
        str, Key(TIME_OF_DAY, "When expired points are booked out every day, in the programme's time zone.", live=True)
    ] = "0415"


@dataclass(frozen=True, kw_only=True)
class Config:
    store: Annotated[str, Key(STORE, "Where the books are. A relative FILE lies beside this file.")] = field(
        default="sqlite:///books.db", repr=False
    )
    programme: Annotated[
        Path | None, Key(path("programme.toml", exists=True), "The programme that new books begin with.")
    ] = None
    node: Annotated[
        str,
        Key(NODE, "Names this daemon's chain of seals; daemons that share books need different ones."),
    ] = "main"
    control_socket: Annotated[
        # 107 bytes is what Linux allows for a Unix socket
        Path, Key(path("control.sock", bytes_max=107), "Where the commands reach the running daemon.")
    ] = Path("control.sock")
    trusted_networks: Annotated[
        tuple[str, ...], Key(NETWORKS, "Who may use listeners without client certificates.", live=True)
    ] = ()
    applications: Annotated[
        dict[str, str], Key(APPLICATIONS, "NIIs with batches of their own; every other NII belongs to main.")
    ] = field(default_factory=lambda: {"090": "loyalty"})
    log_level: Annotated[str, Key(choice("debug", "info", "warning", "error"), "What is logged.", live=True)] = "info"
    log_format: Annotated[
        str,
        Key(choice("auto", "json", "console"), "One JSON object a line, or for people; auto: JSON unless on a tty."),
    ] = "auto"
    vault: Annotated[VaultConfig, Key(Section(VaultConfig), "Keys that protect card numbers and PINs.")] = VaultConfig()
    ops: Annotated[OpsConfig, Key(Section(OpsConfig), "HTTP for Prometheus and health checks.")] = OpsConfig()  # noqa: RUF009 - it is frozen
    limits: Annotated[LimitsConfig, Key(Section(LimitsConfig), "Time and load.")] = LimitsConfig()
    schedules: Annotated[SchedulesConfig, Key(Section(SchedulesConfig), "What happens by the clock.")] = (
        SchedulesConfig()
    )
    webhooks: Annotated[
        tuple[WebhookConfig, ...],
        Key(Section(WebhookConfig, many=True), "Who is told of what happens to terminals, by HTTP."),
    ] = ()
    listeners: Annotated[tuple[ListenerConfig, ...], Key(Section(ListenerConfig, many=True), "A door for terminals.")]

    def application(self, nii: str) -> str:
        """The application whose batches a message with this NII (DE24) belongs to."""
        return self.applications.get(nii, "main")

    def trusts(self, address: str) -> bool:
        """Whether this peer may use an anonymous listener."""
        peer = ip_address(address)
        peer = getattr(peer, "ipv4_mapped", None) or peer
        return peer.is_loopback or any(peer in ip_network(network) for network in self.trusted_networks)
