"""Connections that cannot be held for ever: HTTP, and the WebSockets that it turns into."""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.frames import Frame

MAX_CONNECTIONS = 512
HEADER_SECONDS = 10.0
"""Time that a request may take until its headers are there."""
MAX_FRAGMENTS = 64
"""Parts that a message may come in."""
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_NO_SOCKET = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_TOO_MANY = b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class SocketConnection(WebSocketsSansIOProtocol):
    """A WebSocket that takes no more than it can answer."""

    def handle_ping(self) -> None:
        """Answer, unless earlier answers are not read."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.transport.abort()

    def send_receive_event_to_app(self) -> None:
        """Hand a message over."""
        try:
            super().send_receive_event_to_app()
        except InvalidState:  # text that is none, from somebody who is leaving
            self.transport.close()

    def handle_cont(self, event: Frame) -> None:
        """Take a further part of a message."""
        if len(self.frames) < MAX_FRAGMENTS:
            super().handle_cont(event)
        else:
            self.transport.abort()


class HttpConnection(H11Protocol):
    """HTTP that waits for headers for a while only, and for so many connections."""

    _deadline: asyncio.TimerHandle | None = None
    _is_upgraded = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for headers, if there is room."""
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            self._end(_TOO_MANY)
        else:
            self._wait()

    def data_received(self, data: bytes) -> None:
        """Wait for the headers of the next request, or no longer."""
        super().data_received(data)
        is_answering = self.cycle is not None and not self.cycle.response_complete
        if is_answering or self._is_upgraded:
            self._cancel()
        elif self._deadline is None:
            self._wait()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Become a WebSocket; uvicorn would leave a wish that is none unanswered."""
        self._is_upgraded = True
        super().handle_websocket_upgrade(event)
        upgraded = self.transport.get_protocol()
        if isinstance(upgraded, SocketConnection) and not upgraded.handshake_initiated:
            self._end(_NO_SOCKET)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._cancel()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._deadline = self.loop.call_later(HEADER_SECONDS, self._end, _TOO_SLOW)

    def _cancel(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None

    def _end(self, answer: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(answer)
            self.transport.close()
