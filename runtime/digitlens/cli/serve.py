"""`digitlens serve`."""

import os
from contextlib import suppress
from pathlib import Path

import click

from digitlens.cli.options import (
    reader_options,
    source_argument,
    source_name,
    source_options,
)
from digitlens.cli.stderr import silence_libraries
from digitlens.text import one_line


@click.command(
    epilog="Examples: digitlens serve test:; "
    "digitlens serve 0 --host 0.0.0.0; "
    "digitlens serve desk.mp4 --loop --port 8080"
)
@source_argument
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Where to listen. All but this machine itself needs a token, which is part of the address "
    "that is printed; 0.0.0.0 is every network of this machine.",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0: any."
)
@click.option(
    "--allow-host",
    "names",
    multiple=True,
    metavar="NAME",
    help="A further name by which browsers may call this machine; may be given several times.",
)
@click.option(
    "--certfile",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A certificate in PEM: serve by TLS, so that phones let the page use their camera.",
)
@click.option(
    "--keyfile",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Its key, where it is not in the same file.",
)
@click.option("--always", is_flag=True, help="Read the source also while nobody watches.")
@source_options
@reader_options
def serve(
    place: str | None,
    source: str | None,
    *,
    host: str,
    port: int,
    names: tuple[str, ...],
    certfile: Path | None,
    keyfile: Path | None,
    always: bool,
    width: int | None,
    height: int | None,
    rate: float | None,
    pixel_format: str | None,
    fast: bool,
    loop: bool,
    steady: bool | None,
    min_confidence: float | None,
    threads: int | None,
    model: Path | None,
    provider: str,
) -> None:
    """Serve a page with the live picture of SOURCE, a canvas, photos and the network.

    SOURCE is what 'digitlens camera' takes: the number of a camera, /dev/videoN, an address, a
    video file, images, or test: for a moving test card. It is opened while somebody watches.
    Prints the address of the page. The environment variable DIGITLENS_TOKEN gives the token,
    where it is not to be a new one every time. Programs ask /api/read, /api/model, /api/health
    and /api/metrics. Ends on Ctrl-C with 0.
    """
    import cv2

    from digitlens.capture import Wish, resolve
    from digitlens.errors import UsageError
    from digitlens.live.watch import follow
    from digitlens.reader import Reader
    from digitlens.serve.app import build
    from digitlens.serve.broadcast import Broadcast
    from digitlens.serve.desk import Desk
    from digitlens.serve.inbox import Inbox
    from digitlens.serve.metrics import Metrics
    from digitlens.serve.network import layers_of
    from digitlens.serve.outbox import Outbox
    from digitlens.serve.place import Place
    from digitlens.serve.server import serve as listen
    from digitlens.serve.shared import Shared

    silence_libraries()
    if keyfile and not certfile:
        raise UsageError(f"--keyfile {keyfile} has no certificate: give --certfile too")
    found = resolve(source_name(place, source), Wish(width, height, rate, pixel_format))
    cv2.setNumThreads(threads or 1)
    reader = Reader(
        model,
        provider=provider,
        min_confidence=min_confidence,
        threads=threads,
    )
    metrics = Metrics()
    broadcast = Broadcast(
        lambda: follow(found, reader, fast=fast, loop=loop, steady=steady), metrics, always=always
    )
    shared = Shared(
        inbox=Inbox(),
        outbox=Outbox(),
        desk=Desk(reader, metrics),
        broadcast=broadcast,
        metrics=metrics,
        layers=layers_of(reader.session, model),
    )

    def say(address: str) -> None:
        click.echo(address)
        with suppress(OSError, ValueError):  # nobody may listen
            click.echo(one_line(f"serving {found.name}; Ctrl-C ends it"), err=True)

    listen(build(shared), Place(host, port, names, certfile, keyfile), say)
    # Python would wait for a thread that is deep in a library or a driver.
    os._exit(0)
