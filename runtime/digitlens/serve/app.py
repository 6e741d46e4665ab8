"""Which address leads where."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from digitlens.serve import api, page
from digitlens.serve.state import State

STATIC = Path(__file__).parent / "static"


def build(state: State) -> Starlette:
    """Put together what answers."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        del app
        state.broadcast.start()
        yield
        await state.broadcast.close()

    app = Starlette(
        routes=[
            Mount("/api", routes=api.ROUTES),
            Mount("/page", routes=page.ROUTES),
            Mount("/", StaticFiles(directory=STATIC, html=True)),
        ],
        exception_handlers={HTTPException: api.refuse, Exception: api.fail},
        lifespan=lifespan,
    )
    app.state.shared = state
    return app
