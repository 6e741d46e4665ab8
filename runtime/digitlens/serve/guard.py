"""Who may ask: the names by which the server may be called, whose page asks, and the token.

A page from elsewhere can make a browser ask a server on this device. It cannot choose the headers
Host (DNS rebinding brings its own name along) and Origin, and has no token; so each of these is
looked at in every request and for every WebSocket.
"""

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import parse_qsl

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "connect-src 'self'; media-src 'self' blob:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}
"""Sent with every answer."""
PARAMETER = "token"
"""Name of the parameter of an address in which a token is brought."""
HOST = re.compile(r"(\[[0-9a-f:.]+\]|[\w.-]+)(:\d+)?", re.IGNORECASE | re.ASCII)
"""What a Host header may be: a name or an address, and a port."""
_YEAR = 365 * 24 * 3600


class Guard:
    """Lets through to `app` what may ask.

    Args:
        app: what answers.
        names: host names by which the server may be called; the address at which a connection
            arrives is always one.
        token: what everybody must bring, or None.
        cookie: name of the cookie that keeps it.
        is_secure: whether the cookie is sent over TLS alone.
    """

    def __init__(
        self, app: ASGIApp, *, names: Iterable[str], token: str | None, cookie: str, is_secure: bool
    ) -> None:
        self._app, self._names = app, {name.lower() for name in names}
        self._token, self._cookie, self._is_secure = token, cookie, is_secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let `app` answer."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return

        asked = HTTPConnection(scope)
        answer = self._refusal(asked) or self._app
        cookie = self._cookie_for(asked) if answer is self._app else None

        async def send_with_headers(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                if cookie:
                    headers.append("Set-Cookie", cookie)
            await send(message)

        await answer(scope, receive, send_with_headers)

    def _refusal(self, asked: HTTPConnection) -> Response | None:
        """Give the answer to what goes no further."""
        host = asked.headers.get("host", "")
        if not self._is_own(host, asked.scope["server"][0]):
            return PlainTextResponse(
                f"no such host {host[:100]!r} here: allow it with --allow-host\n", 421
            )
        if not _is_own_page(asked, host):
            return PlainTextResponse("asked by a page from elsewhere\n", 403)
        if self._token is None or self._is_known(asked, self._token):
            return None
        return PlainTextResponse(
            "a token is needed: open the address that 'digitlens serve' printed, or send "
            "'Authorization: Bearer TOKEN'\n",
            401,
            {"WWW-Authenticate": "Bearer"},
        )

    def _is_own(self, host: str, address: str) -> bool:
        found = HOST.fullmatch(host)
        if not found:
            return False
        name = found[1].strip("[]").lower()
        return name in self._names or _address(name) == _address(address) is not None

    def _is_known(self, asked: HTTPConnection, token: str) -> bool:
        kind, _, brought = asked.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":  # headers are Latin-1, but what comes may be UTF-8
            return hmac.compare_digest(brought.strip().encode("latin-1"), _bytes(token))
        if PARAMETER in asked.query_params:
            return _is_same(_from_query(asked), token)
        return _is_same(asked.cookies.get(self._cookie, ""), _digest(token))

    def _cookie_for(self, asked: HTTPConnection) -> str | None:
        """Give the cookie for whoever brings the token in the address.

        It comes with the page itself: after a redirect, a browser that followed a link from
        elsewhere would not send a cookie that is strict.
        """
        if self._token is None or PARAMETER not in asked.query_params:
            return None
        parts = [f"{self._cookie}={_digest(self._token)}", "HttpOnly", "SameSite=Strict", "Path=/"]
        return "; ".join([*parts, f"Max-Age={_YEAR}", *(["Secure"] if self._is_secure else [])])


def _is_own_page(asked: HTTPConnection, host: str) -> bool:
    """Tell whether no page asks, or one of this server, or somebody follows a link to it."""
    origins = asked.headers.getlist("origin")
    if origins:
        own = (f"http://{host.lower()}", f"https://{host.lower()}")
        return all(origin.lower() in own for origin in origins)
    is_foreign = asked.headers.get("sec-fetch-site") in ("cross-site", "same-site")
    return not is_foreign or asked.headers.get("sec-fetch-mode") == "navigate"


def _from_query(asked: HTTPConnection) -> str:
    """Give the token of the address, whatever bytes it has."""
    query = asked.scope["query_string"].decode("latin-1")
    return str(dict(parse_qsl(query, errors="surrogateescape")).get(PARAMETER, ""))


def _is_same(brought: str, expected: str) -> bool:
    return hmac.compare_digest(_bytes(brought), _bytes(expected))


def _digest(token: str) -> str:
    """What the cookie holds: a token may have characters that a cookie cannot."""
    return hashlib.sha256(b"digitlens " + _bytes(token)).hexdigest()


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
