"""Who may read the ops pages where they are reachable from elsewhere: whoever shows the token.

Over TLS a client certificate does instead (`switch/http_server.py`). On the loopback neither is asked for, unless the
configuration says so.
"""

import base64
import binascii
import hmac
from pathlib import Path
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

TOKEN_CHARACTERS_MIN: Final = 16  # 64 bits, if somebody makes it by `openssl rand -hex 8`; fewer can be tried out


class TokenError(Exception):
    """A token that cannot be used: one line that names the file and the reason."""


def read_token(file: Path) -> str:
    """
    Raises:
        TokenError: the file cannot be read, or is no token.
    """
    try:
        token = file.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "a token is ASCII"
        raise TokenError(f"{file}: {reason}") from None
    if len(token) < TOKEN_CHARACTERS_MIN or not token.isprintable() or " " in token:
        raise TokenError(f"{file}: a token has at least {TOKEN_CHARACTERS_MIN} characters and no spaces")
    return token


class TokenRequired:
    """Lets requests through that carry the token: as `Bearer`, or as the password of `Basic`, which browsers ask."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app, self._token = app, token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._shown(Headers(scope=scope).get("authorization", "")):
            await self._app(scope, receive, send)
            return
        refusal = JSONResponse(
            {"error": "Unauthorized"}, 401, {"www-authenticate": 'Bearer realm="tillswitch", Basic realm="tillswitch"'}
        )
        await refusal(scope, receive, send)

    def _shown(self, header: str) -> bool:
        scheme, _, credentials = header.partition(" ")
        given = credentials.strip().encode()
        if scheme.lower() == "basic":
            try:
                given = base64.b64decode(given, validate=True).partition(b":")[2]
            except binascii.Error:
                return False
        elif scheme.lower() != "bearer":
            return False
        return hmac.compare_digest(given, self._token)
