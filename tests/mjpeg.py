"""A network camera: an HTTP server that streams JPEG frames, and can fall silent or vanish."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np

BOUNDARY = "frame"


class NetworkCamera:
    """Streams what `draw` gives for 0, 1, 2 … to whoever connects, 30 frames a second."""

    def __init__(self, draw: Callable[[int], np.ndarray], port: int = 0) -> None:
        self.draw, self.is_silent, self.is_gone = draw, threading.Event(), threading.Event()
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                kind = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
                self.send_header("Content-Type", kind)
                self.end_headers()
                number = 0
                while not camera.is_gone.wait(1 / 30):
                    if camera.is_silent.is_set():
                        continue
                    jpeg = cv2.imencode(".jpg", camera.draw(number))[1].tobytes()
                    head = (
                        f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}"
                    )
                    try:
                        self.wfile.write(f"{head}\r\n\r\n".encode() + jpeg + b"\r\n")
                    except OSError:
                        return
                    number += 1

            def log_message(self, *arguments: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

        self._server = Server(("127.0.0.1", port), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/stream.mjpg"

    def close(self) -> None:
        """Vanish: streams break off, and nobody is accepted any more."""
        self.is_gone.set()
        self._server.shutdown()
        self._server.server_close()
