"""The control API: how commands reach the running daemon, over HTTP on a Unix socket only its owner can open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from switch.books import decode_commands
from switch.ops import json_app
from switch.service import Service

BODY_BYTES_MAX: Final = 1_048_576  # a hundred cards at a time, or a programme with everything in it


def control_app(
    service: Service, reload_now: Callable[[], list[str]], tell_status: Callable[[], dict[str, object]]
) -> Starlette:
    """`POST /commands` decides commands and answers when they are on disk; `/reload`, `/status`."""

    async def commands(request: Request) -> Response:
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > BODY_BYTES_MAX:
                return JSONResponse({"error": f"more than {BODY_BYTES_MAX} bytes"}, 413)
        try:
            wanted = decode_commands(bytes(body))
        except msgspec.DecodeError as error:
            return JSONResponse({"error": str(error)}, 400)
        replies = await service.submit(wanted)
        return Response(msgspec.json.encode(replies), media_type="application/json")

    async def reload(request: Request) -> Response:
        return JSONResponse({"problems": reload_now()})

    async def status(request: Request) -> Response:
        return JSONResponse(tell_status())

    return json_app(
        [
            Route("/commands", commands, methods=["POST"]),
            Route("/reload", reload, methods=["POST"]),
            Route("/status", status),
        ]
    )
