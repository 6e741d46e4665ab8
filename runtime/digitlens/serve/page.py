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

from digitlens.capture.test_card import tiles
from digitlens.contract import GLYPH_SIZE, IMAGE, LABELS
from digitlens.reading import Digit, Reading
from digitlens.serve.broadcast import MAX_VIEWERS
from digitlens.serve.packet import gray, jpeg, pack
from digitlens.serve.shared import Shared
from digitlens.serve.viewer import Viewer
from digitlens.vision import mnist_format

PACKET = "application/octet-stream"
Arrays = dict[str, NDArray[Any] | bytes]
STEP_QUALITY = 90
"""Of the JPEGs of steps, 0…100."""
MAX_DROPPED = 40
"""Rejected candidates that are shown, those with the highest score first."""


async def live(socket: WebSocket) -> None:
    """Send the live picture until the viewer leaves; see `Viewer`."""
    shared = Shared.of(socket)
    if shared.broadcast.viewers >= MAX_VIEWERS:
        shared.metrics.count("digitlens_errors_total", 'kind="socket"')
        answer = PlainTextResponse(f"{MAX_VIEWERS} watch already: try again later\n", 503)
        await socket.send_denial_response(answer)
        return
    await Viewer(socket, shared.broadcast, shared.desk.reader, shared.metrics).serve()


async def read(request: Request) -> Response:
    """Read an image: the reading, each digit's glyph and outputs; with `?steps=1` how it was read.

    The packet's header has `reading`, and of each digit and of what was dropped `label`,
    `confidence`, `sure`, `box` and `reason` in `signs`, the digits first. Its arrays are `glyphs`,
    uint8 `[n, 32, 32]`, `probabilities`, float32 `[n, 10]`, and JPEGs: `frame`, and `step0` and
    so on, whose words are in `steps`.
    """
    shared = Shared.of(request)
    desk = shared.desk
    wants_steps = request.query_params.get("steps") == "1"

    def make(frame: NDArray[np.uint8]) -> tuple[Reading, bytes]:
        if not wants_steps:
            reading = desk.reader.read(frame)
            return reading, pack(*_signs(reading))
        reading, steps = desk.reader.read_with_steps(frame)
        header, arrays = _signs(reading)
        arrays["frame"] = jpeg(frame, STEP_QUALITY)
        # The first step is the frame with boxes, which the page draws itself.
        header["steps"] = [words for words, _ in steps[1:]]
        for number, (_, picture) in enumerate(steps[1:]):
            arrays[f"step{number}"] = jpeg(picture, STEP_QUALITY)
        return reading, pack(header, arrays)

    async with shared.inbox.body(request) as image:
        packet = await desk.answer(image, "page", make)
    return shared.outbox.answer(packet, PACKET)


async def activations(request: Request) -> Response:
    """Run the network on a glyph, 1,024 grey levels with ink 255: all its outputs, and its input.

    The packet's arrays are float32, without the batch.
    """
    shared = Shared.of(request)
    async with shared.inbox.body(request) as body:
        if len(body) != GLYPH_SIZE**2:
            raise HTTPException(422, f"{len(body)} bytes: a glyph is {GLYPH_SIZE**2} grey levels")
        levels = np.frombuffer(body, np.uint8).reshape(1, GLYPH_SIZE, GLYPH_SIZE)
    image = levels.astype(np.float32) / np.float32(255)
    outputs = shared.desk.reader.session.run(image)
    values = {IMAGE: image, **{name: each[0] for name, each in outputs.items()}}
    return shared.outbox.answer(pack({}, values), PACKET)


async def network(request: Request) -> Response:
    """Give the layers, and as arrays their weights, `conv1.weight` and `conv1.bias`, and so on."""
    shared = Shared.of(request)
    arrays: Arrays = {}
    for layer in shared.layers:
        for what, numbers in (("weight", layer.weight), ("bias", layer.bias)):
            if numbers is not None:
                arrays[f"{layer.name}.{what}"] = numbers
    labels = shared.desk.reader.contract.labels
    header = {"layers": [layer.to_dict() for layer in shared.layers], "labels": labels}
    return shared.outbox.answer(pack(header, arrays), PACKET)


async def samples(request: Request) -> Response:
    """Give a drawn glyph of each digit, `glyphs`, uint8 `[10, 32, 32]`."""
    packet = pack({}, {"glyphs": sample_glyphs()})
    return Shared.of(request).outbox.answer(packet, PACKET)


@cache
def sample_glyphs() -> NDArray[np.uint8]:
    """Give a drawn glyph of each digit in grey levels, uint8 `[10, 32, 32]`."""
    return np.stack([mnist_format.resize(mnist_format.mnist_image(tile)) for tile in tiles()[0]])


def _signs(reading: Reading) -> tuple[dict[str, Any], Arrays]:
    """Give header and arrays of a reading."""
    signs = [*reading.digits, *reading.dropped[:MAX_DROPPED]]
    header = {
        "reading": reading.to_dict(),
        "signs": [_sign(digit) for digit in signs],
        "dropped": len(reading.dropped),
    }
    glyphs = np.array([gray(digit) for digit in signs], np.uint8)
    probabilities = np.array([digit.probabilities for digit in signs], np.float32)
    glyphs = glyphs.reshape(-1, GLYPH_SIZE, GLYPH_SIZE)
    probabilities = probabilities.reshape(-1, len(LABELS))
    return header, {"glyphs": glyphs, "probabilities": probabilities}


def _sign(digit: Digit) -> dict[str, Any]:
    return {
        "label": digit.label,
        "confidence": digit.confidence,
        "sure": digit.sure,
        "box": digit.box,
        "reason": digit.reason,
        "dropped": digit.line < 0,
    }


ROUTES = [
    WebSocketRoute("/live", live),
    Route("/read", read, methods=["POST"]),
    Route("/activations", activations, methods=["POST"]),
    Route("/network", network),
    Route("/samples", samples),
]
