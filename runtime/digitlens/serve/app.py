"""Which address leads where."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from digitlens.serve import api, page
from digitlens.serve.shared import Shared

STATIC = Path(__file__).parent / "static"


def build(shared: Shared) -> Starlette:
    """Put together what answers."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        del app
        shared.broadcast.start()
        yield
        await shared.broadcast.close()

    app = Starlette(
        routes=[
            Mount("/api", routes=api.ROUTES),
            Mount("/page", routes=page.ROUTES),
            Mount("/", StaticFiles(directory=STATIC, html=True)),
        ],
        exception_handlers={HTTPException: api.refuse, Exception: api.fail},
        lifespan=lifespan,
    )
    app.state.shared = shared
    return app
