"""How fast `digitlens serve` is: the live picture, drawing, and readings for programs; Linux.

    python scripts/bench_serve.py

The command serves the test card, 640×480 at 30 frames a second, on one core. One viewer is
Chromium, which says when each frame was on its screen; all others take frames as fast as they
come, from a process of their own. `to screen` is the time from a frame's capture until Chromium had
painted it. CPU is that of the server's process, in cores; `a viewer` is its share for each of them.

Drawing: from the last movement of the mouse to the reading shown on the page. Readings: the test
card as JPEG, by clients that each keep their connection, beside a plain loop over `Reader`.
"""

import asyncio
import http.client
import json
import os
import struct
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from urllib.parse import urlsplit

import click
import cv2
import numpy as np
from playwright.sync_api import Page
from websockets.asyncio.client import connect

from digitlens import Reader, sources
from digitlens.capture.test_card import Card
from served import chromium, serving

VIEWERS = (1, 3, 5, 10)
CLIENTS = (1, 16)
SETTLE = 1.5
"""Seconds that viewers have before they are measured."""
WATCH = """() => {
    window.seen = [];
    document.addEventListener("digitlens:frame", ({ detail }) => {
        requestAnimationFrame(() => {
            // The frame is painted before the next task.
            const channel = new MessageChannel();
            channel.port1.onmessage = () => seen.push(Date.now() - 1000 * detail.captured);
            channel.port2.postMessage(0);
        });
    });
}"""
DRAWN = """() => {
    window.drawn = [];
    const status = document.getElementById("draw-status");
    new MutationObserver(() => {
        const found = status.textContent.match(/read (\\d+) ms/);
        if (found) drawn.push(Number(found[1]));
    }).observe(status, { childList: true });
}"""


def cpu_seconds(process: int) -> float:
    """Give the CPU seconds that a process took so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def watch(address: str, viewers: int, seconds: float) -> list[float]:
    """Watch several times over; give the frames a second of each."""

    async def one() -> float:
        url = f"ws://{urlsplit(address).netloc}/page/live"
        count, start = 0, time.monotonic() + SETTLE
        async with connect(url, max_size=None, compression=None, proxy=None) as socket:
            while time.monotonic() < start + seconds:
                message = await socket.recv()
                if isinstance(message, bytes):
                    (length,) = struct.unpack_from("<I", message)
                    number = json.loads(message[4 : 4 + length])["number"]
                    await socket.send(json.dumps({"seen": number}))
                    count += time.monotonic() >= start
        return count / seconds

    async def every() -> list[float]:
        return await asyncio.gather(*(one() for _ in range(viewers)))

    return asyncio.run(every())


def measure_live(page: Page, address: str, process: int, viewers: int, seconds: float) -> str:
    """Let so many watch, the page among them; give a line, and CPU."""
    with get_context("spawn").Pool(1) as pool:
        others = pool.apply_async(watch, (address, viewers - 1, seconds)) if viewers > 1 else None
        page.wait_for_timeout(1000 * SETTLE)
        page.evaluate("seen.length = 0")
        start, cpu = time.monotonic(), cpu_seconds(process)
        page.wait_for_timeout(1000 * seconds)
        took = time.monotonic() - start
        cpu = (cpu_seconds(process) - cpu) / took
        ages = page.evaluate("seen")
        rates = others.get() if others else []
    p50, p99 = np.percentile(ages, [50, 99])
    slowest = f"{min(rates):>8.1f}" if rates else f"{'':>8}"
    line = f"{viewers:>7}{len(ages) / took:>11.1f}{slowest}{p50:>10.0f} ms{p99:>7.0f} ms{cpu:>8.2f}"
    return f"{line}{cpu / viewers:>10.3f}"


def measure_drawing(page: Page, address: str, moves: int) -> Sequence[float]:
    """Draw; give the milliseconds from movements to readings."""
    page.goto(f"{address}#draw")
    page.evaluate(DRAWN)
    box = page.locator("#draw-paper").bounding_box()
    assert box
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    for move in range(moves):
        angle = move / 12
        x, y = 130 + 60 * np.cos(angle) + move, 160 + 90 * np.sin(angle)
        page.mouse.move(box["x"] + x, box["y"] + y)
        page.wait_for_timeout(12)
    page.mouse.up()
    page.wait_for_timeout(500)
    found: list[float] = page.evaluate("drawn")
    return found


def measure_reading(address: str, image: bytes, clients: int, seconds: float) -> list[float]:
    """Ask with so many clients; give the milliseconds of all answers."""
    until = time.monotonic() + seconds

    def ask() -> list[float]:
        connection = http.client.HTTPConnection(urlsplit(address).netloc)
        found = []
        while time.monotonic() < until:
            start = time.perf_counter()
            connection.request("POST", "/api/read", image)
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            answer.read()
            found.append(1000 * (time.perf_counter() - start))
        connection.close()
        return found

    with ThreadPoolExecutor(clients) as pool:
        each = [pool.submit(ask) for _ in range(clients)]
        return [took for one in each for took in one.result()]


def loop_rate(image: bytes, seconds: float) -> float:
    """Give the readings a second of a plain loop over `Reader`."""
    reader, count, start = Reader(), 0, time.monotonic()
    while time.monotonic() < start + seconds:
        reader.read(sources.decode(image))
        count += 1
    return count / (time.monotonic() - start)


@click.command(help=__doc__)
@click.option("--seconds", default=10.0, show_default=True, help="For each row.")
def main(seconds: float) -> None:
    """Measure and print."""
    cv2.setNumThreads(1)
    image = cv2.imencode(".jpg", Card().frame(0))[1].tobytes()
    core = {max(os.sched_getaffinity(0))}
    with serving(core) as (address, process), chromium() as browser:
        page = browser.new_page()
        page.goto(address)
        page.evaluate(WATCH)
        click.echo("viewers  on screen  others   to screen     99 %     CPU  a viewer")
        for viewers in VIEWERS:
            click.echo(measure_live(page, address, process, viewers, seconds))
        found = measure_drawing(page, address, round(25 * seconds))
        p50, p99 = np.percentile(found, [50, 99])
        click.echo(f"\ndrawing: read after {p50:.0f} ms, 99 % within {p99:.0f} ms")
    click.echo("\nclients  readings/s     p50       p99")
    with serving(core) as (address, _):
        for clients in CLIENTS:
            took = measure_reading(address, image, clients, seconds)
            p50, p99 = np.percentile(took, [50, 99])
            click.echo(f"{clients:>7}{len(took) / seconds:>12.1f}{p50:>6.1f} ms{p99:>7.1f} ms")
    os.sched_setaffinity(0, core)
    click.echo(f"{'loop':>7}{loop_rate(image, seconds):>12.1f}")


if __name__ == "__main__":
    main()
