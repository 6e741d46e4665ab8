"""What programs ask for: readings, the contract, health and metrics."""

import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

import digitlens
from digitlens.contract import Contract
from digitlens.reading import Reading
from digitlens.serve.broadcast import MAX_VIEWERS
from digitlens.serve.guard import PARAMETER
from digitlens.serve.shared import Shared

SOURCE = "-"
"""What `source` says of an image that has no name, as `digitlens classify -` does."""


async def read(request: Request) -> Response:
    """Read an image: what `digitlens classify --format json` prints, with the taps asked for.

    Raises:
        HTTPException: 400 no such tap; see `Inbox.body`, `Desk.answer` and `Outbox.answer`.
    """
    shared = Shared.of(request)
    desk = shared.desk
    names = _taps(request, desk.reader.contract)

    def make(frame: NDArray[np.uint8]) -> tuple[Reading, bytes]:
        reading = desk.reader.read(frame, taps=bool(names))
        return reading, _json(reading, names)

    async with shared.inbox.body(request) as image:
        answer = await desk.answer(image, "api", make)
    return shared.outbox.answer(answer, "application/json")


async def model(request: Request) -> Response:
    """Give the model's contract."""
    return Response(
        Shared.of(request).desk.reader.contract.to_json(), media_type="application/json"
    )


async def health(request: Request) -> Response:
    """Say that the server is well, and what its source is doing."""
    broadcast = Shared.of(request).broadcast
    return JSONResponse(
        {
            "status": "ok",
            "version": digitlens.__version__,
            "source": {"state": broadcast.status.state, "message": broadcast.status.message},
            "viewers": broadcast.viewers,
            "viewers_at_most": MAX_VIEWERS,
        }
    )


async def metrics(request: Request) -> Response:
    """Give what was counted, in Prometheus's text format."""
    shared = Shared.of(request)
    shared.metrics.set("digitlens_viewers", shared.broadcast.viewers)
    return PlainTextResponse(
        shared.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8"
    )


def _json(reading: Reading, names: Sequence[str]) -> bytes:
    """Write a reading with some of its taps.

    Digit by digit, since other threads wait while one is written: conv1 of six hundred digits is
    60 MB of text.
    """
    fields = json.dumps({"source": SOURCE, **reading.to_dict()})
    if not names:
        return fields.encode()
    taps = reading.taps or {}
    parts = [
        f'"{name}": [{", ".join(json.dumps(each.tolist()) for each in taps[name])}]'
        for name in names
    ]
    return f'{fields[:-1]}, "taps": {{{", ".join(parts)}}}}}'.encode()


def _taps(request: Request, contract: Contract) -> list[str]:
    """Give the names of the taps asked for: `?taps=conv1,conv2`, or several of it."""
    if others := set(request.query_params) - {"taps", PARAMETER}:
        raise HTTPException(400, f"no parameter {min(others)[:40]!r}: taps=NAME,NAME is one")
    wanted = [name for each in request.query_params.getlist("taps") for name in each.split(",")]
    known = [tap.name for tap in contract.taps]
    if unknown := [name for name in wanted if name not in known]:
        raise HTTPException(400, f"no tap {unknown[0][:40]!r}: the model has {', '.join(known)}")
    return list(dict.fromkeys(wanted))


async def refuse(request: Request, error: Exception) -> Response:
    """Say what is wrong, as `classify` does of an image."""
    assert isinstance(error, HTTPException)
    if error.status_code != 404:
        Shared.of(request).metrics.count("digitlens_errors_total", 'kind="request"')
    body = json.dumps({"source": SOURCE, "error": error.detail})
    return Response(body, error.status_code, error.headers, "application/json")


async def fail(request: Request, _: Exception) -> Response:
    """Say that there is a fault of our own; it is logged."""
    Shared.of(request).metrics.count("digitlens_errors_total", 'kind="fault"')
    return JSONResponse({"source": SOURCE, "error": "a fault of the server: see its log"}, 500)


ROUTES = [
    Route("/read", read, methods=["POST"]),
    Route("/model", model),
    Route("/health", health),
    Route("/metrics", metrics),
]
