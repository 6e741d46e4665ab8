"""What the page asks for: packets of pictures and numbers, see `digitlens.serve.packet`."""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from digitlens import normalize
from digitlens.capture.test_card import tiles
from digitlens.contract import GLYPH_SIZE, IMAGE
from digitlens.reading import Digit
from digitlens.serve.broadcast import MAX_VIEWERS, encoded
from digitlens.serve.packet import pack
from digitlens.serve.state import State
from digitlens.serve.viewer import Viewer, gray

STEP_QUALITY = 90
MAX_DROPPED = 40
"""How much of what was dropped is shown, the largest first."""


async def live(socket: WebSocket) -> None:
    """Send the live picture until the viewer leaves; see `Viewer`."""
    state = State.of(socket)
    if state.broadcast.viewers >= MAX_VIEWERS:
        state.metrics.count("digitlens_errors_total", 'kind="socket"')
        answer = PlainTextResponse(f"{MAX_VIEWERS} watch already: try again later\n", 503)
        await socket.send_denial_response(answer)
        return
    await Viewer(socket, state.broadcast, state.desk.reader, state.metrics).serve()


async def read(request: Request) -> Response:
    """Read an image: the reading, each digit's glyph and outputs; with `?steps=1` how it was read.

    The packet's header has `reading`, and of each digit and of what was dropped `label`,
    `confidence`, `sure`, `box` and `reason` in `signs`, the digits first. Its arrays are `glyphs`,
    uint8 `[n, 32, 32]`, `probabilities`, float32 `[n, 10]`, and JPEGs: `frame`, and `step0` and
    so on, whose words are in `steps`.
    """
    desk = State.of(request).desk
    wants_steps = request.query_params.get("steps") == "1"
    async with desk.body(request) as image:
        frame, reading, steps = await desk.explain(image, "page", steps=wants_steps)
    dropped = sorted(reading.dropped, key=lambda digit: -digit.box[2] * digit.box[3])
    signs = [*reading.digits, *dropped[:MAX_DROPPED]]
    header = {
        "reading": reading.to_dict(),
        "signs": [_sign(digit) for digit in signs],
        "dropped": len(reading.dropped),
        "steps": [words for words, _ in steps[1:]],
    }
    arrays: dict[str, NDArray[Any] | bytes] = {
        "glyphs": _stacked([gray(digit) for digit in signs], (GLYPH_SIZE, GLYPH_SIZE), np.uint8),
        "probabilities": _stacked(
            [digit.probabilities for digit in signs], (len(desk.reader.contract.labels),)
        ),
    }
    if wants_steps:
        arrays["frame"] = encoded(frame, STEP_QUALITY)
        # The first step is the frame with boxes, which the page draws itself.
        for number, (_, picture) in enumerate(steps[1:]):
            arrays[f"step{number}"] = encoded(picture, STEP_QUALITY)
    return _packet(header, arrays)


async def activations(request: Request) -> Response:
    """Run the network on a glyph, 1,024 grey levels with ink 255: all its outputs, and its input.

    The packet's arrays are float32, without the batch.
    """
    desk = State.of(request).desk
    async with desk.body(request) as body:
        if len(body) != GLYPH_SIZE**2:
            raise HTTPException(422, f"{len(body)} bytes: a glyph is {GLYPH_SIZE**2} grey levels")
        levels = np.frombuffer(body, np.uint8).reshape(1, GLYPH_SIZE, GLYPH_SIZE)
    image = levels.astype(np.float32) / np.float32(255)
    outputs = desk.reader.session.run(image)
    return _packet({}, {IMAGE: image} | {name: each[0] for name, each in outputs.items()})


async def network(request: Request) -> Response:
    """Give the layers, and as arrays their weights, `conv1.weight` and `conv1.bias`, and so on."""
    state = State.of(request)
    arrays: dict[str, NDArray[Any] | bytes] = {}
    for layer in state.layers:
        for what, numbers in (("weight", layer.weight), ("bias", layer.bias)):
            if numbers is not None:
                arrays[f"{layer.name}.{what}"] = numbers
    labels = state.desk.reader.contract.labels
    header = {"layers": [layer.to_dict() for layer in state.layers], "labels": labels}
    return _packet(header, arrays)


async def samples(request: Request) -> Response:  # noqa: ARG001
    """Give a drawn glyph of each digit, `glyphs`, uint8 `[10, 32, 32]`."""
    return _packet({}, {"glyphs": sample_glyphs()})


@cache
def sample_glyphs() -> NDArray[np.uint8]:
    """Give a drawn glyph of each digit in grey levels, uint8 `[10, 32, 32]`."""
    return np.stack([normalize.resize(normalize.mnist_image(tile)) for tile in tiles()[0]])


def _sign(digit: Digit) -> dict[str, Any]:
    return {
        "label": digit.label,
        "confidence": digit.confidence,
        "sure": digit.sure,
        "box": digit.box,
        "reason": digit.reason,
        "dropped": digit.line < 0,
    }


def _stacked(
    arrays: list[NDArray[Any]], shape: tuple[int, ...], dtype: type = np.float32
) -> NDArray[Any]:
    return np.array(arrays, dtype).reshape(-1, *shape)


def _packet(header: dict[str, Any], arrays: dict[str, Any]) -> Response:
    return Response(
        pack(header, arrays),
        media_type="application/octet-stream",
        headers={"Cache-Control": "no-store"},
    )


ROUTES = [
    WebSocketRoute("/live", live),
    Route("/read", read, methods=["POST"]),
    Route("/activations", activations, methods=["POST"]),
    Route("/network", network),
    Route("/samples", samples),
]
