"""TLS of the listeners: what a handshake must show, and for which merchants a certificate speaks.

WIRE.md section 1: TLS 1.2 or newer; a client certificate names its merchants as subject alternative names
`URI:tillswitch:merchant:ID` (ID percent-encoded, RFC 3986), `*` counts only where the configuration says so.
"""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote

from switch.config import TLSConfig
from switch.ops_config import ServerTLSConfig

MERCHANT_URI: Final = "tillswitch:merchant:"


class TLSError(Exception):
    """Certificates that cannot be used: one line that names the file and the reason."""


def server_context(tls: ServerTLSConfig) -> ssl.SSLContext:
    """
    Raises:
        TLSError: a file is no PEM, or the key is not the certificate's.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION  # nothing of ours needs it, and it costs a server more than its client
    try:
        # a key with a passphrase fails here, instead of asking for it on a terminal nobody watches
        context.load_cert_chain(tls.certificate, tls.key, password=lambda: b"")
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        raise TLSError(f"{tls.certificate} with {tls.key}: {_reason(error)}") from None
    if tls.client_ca:
        _trust(context, tls.client_ca)
        context.verify_mode = ssl.CERT_REQUIRED if tls.client_certificate_required else ssl.CERT_OPTIONAL
    return context


def merchants_of(peer: Mapping[str, Any] | None, tls: TLSConfig) -> frozenset[str] | None:
    """The merchants a connection may speak for; None is any.

    Args:
        peer: what `getpeercert()` returned: None or empty where no certificate was shown.
    """
    if not peer and not tls.client_certificate_required:
        return None
    names = peer.get("subjectAltName", ()) if peer else ()
    written = [
        name.removeprefix(MERCHANT_URI) for kind, name in names if kind == "URI" and name.startswith(MERCHANT_URI)
    ]
    if "*" in written and tls.any_merchant_allowed:
        return None
    return frozenset(unquote(merchant) for merchant in written if merchant != "*")


def merchant_uri(merchant_id: str) -> str:
    """How a certificate names a merchant; `*` itself means every merchant."""
    return MERCHANT_URI + quote(merchant_id, safe="*")


def _trust(context: ssl.SSLContext, client_ca: Path) -> None:
    try:
        context.load_verify_locations(client_ca)
    except OSError as error:
        raise TLSError(f"{client_ca}: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    match error:
        case ssl.SSLError(reason="KEY_VALUES_MISMATCH"):
            return "the key is not the certificate's"
        case ssl.SSLError():
            return "not PEM, or a key with a passphrase"
        case OSError(strerror=str(text)):
            return text
        case _:
            return "cannot be used"
