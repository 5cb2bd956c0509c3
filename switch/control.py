"""The control API: how commands reach the running daemon, over HTTP on a Unix socket only its owner can open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from specs.sensitive import PAN
from switch.books import decode_commands
from switch.core.points_commands import AwardPoints
from switch.ops import json_app
from switch.service import Service

BODY_BYTES_MAX: Final = 1_048_576  # a hundred cards at a time, or a programme with everything in it


class Award(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Points for an event of the programme, to whoever has the card; `reference` is the caller's own id of it."""

    card: str
    event: str
    reference: str
    merchant_id: str = ""


def control_app(
    service: Service,
    reload_now: Callable[[], list[str]],
    tell_status: Callable[[], dict[str, object]],
    pages: Sequence[Route] = (),
) -> Starlette:
    """`POST /commands` decides commands and answers when they are on disk; `POST /awards`, for programs that know
    cards by their numbers; `/reload`, `/status`.
    """

    async def commands(request: Request) -> Response:
        try:
            wanted = decode_commands(await _body_of(request))
        except _TooLong:
            return JSONResponse({"error": f"more than {BODY_BYTES_MAX} bytes"}, 413)
        except msgspec.DecodeError as error:
            return JSONResponse({"error": str(error)}, 400)
        replies = await service.submit(wanted)
        return Response(msgspec.json.encode(replies), media_type="application/json")

    async def awards(request: Request) -> Response:
        try:
            wanted = msgspec.json.decode(await _body_of(request), type=Award)
            card = PAN(wanted.card)
        except _TooLong:
            return JSONResponse({"error": f"more than {BODY_BYTES_MAX} bytes"}, 413)
        except msgspec.DecodeError as error:
            return JSONResponse({"error": str(error)}, 400)
        except ValueError:
            return JSONResponse({"error": "card: a card number has 6 to 19 digits"}, 400)
        command = AwardPoints(service.card_hash(card), wanted.event, wanted.reference, wanted.merchant_id)
        (reply,) = await service.submit([command])
        return JSONResponse({"outcome": reply.outcome.value, "rrn": reply.rrn, "reason": reply.display})

    async def reload(request: Request) -> Response:
        return JSONResponse({"problems": reload_now()})

    async def status(request: Request) -> Response:
        return JSONResponse(tell_status())

    return json_app(
        [
            Route("/commands", commands, methods=["POST"]),
            Route("/awards", awards, methods=["POST"]),
            Route("/reload", reload, methods=["POST"]),
            Route("/status", status),
            *pages,
        ]
    )


class _TooLong(Exception):
    pass


async def _body_of(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > BODY_BYTES_MAX:
            raise _TooLong
    return bytes(body)
