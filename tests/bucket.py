"""An object store in memory that speaks as much of Amazon S3's protocol as pyarrow asks for."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import BinaryIO
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape


class Bucket(ThreadingHTTPServer):
    """Objects by their path, such as `/bucket/folder/name`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, bytes] = {}
        self.parts: dict[str, dict[int, bytes]] = {}
        self.is_down = False

    @property
    def query(self) -> str:
        """What makes pyarrow come here."""
        return f"scheme=http&endpoint_override=127.0.0.1:{self.server_port}&region=us-east-1"


@contextmanager
def bucket() -> Iterator[Bucket]:
    with Bucket() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    server: Bucket
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        address = urlsplit(self.path)
        self.key = unquote(address.path)
        self.query = {k: v[0] for k, v in parse_qs(address.query, keep_blank_values=True).items()}
        self.body = self._body()
        return True

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = _joined(self.rfile)
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        is_chunked = "aws-chunked" in self.headers.get("Content-Encoding", "")
        return _joined(BytesIO(body)) if is_chunked else body

    def answer(self, status: int = 200, body: str | bytes = b"", **headers: str) -> None:
        content = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        usual = {
            "Content-Length": str(len(content)),
            "ETag": '"0"',
            "Last-Modified": formatdate(0, usegmt=True),
        }
        for name, value in (usual | given).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def do_HEAD(self) -> None:
        found = self.server.objects.get(self.key)
        if self.server.is_down:
            self.answer(403)
        elif found is not None:
            self.answer(200, Content_Length=str(len(found)))
        else:
            self.answer(200 if self.key.strip("/") == "bucket" else 404)

    def do_GET(self) -> None:
        if self.server.is_down:
            self.answer(503)
        elif "list-type" in self.query:
            self.answer(200, self._list())
        elif (found := self.server.objects.get(self.key)) is None:
            self.answer(404, "<Error><Code>NoSuchKey</Code></Error>")
        elif part := re.match(r"bytes=(\d+)-(\d+)", self.headers.get("Range", "")):
            first, last = map(int, part.groups())
            there = found[first : last + 1]
            span = f"bytes {first}-{first + len(there) - 1}/{len(found)}"
            self.answer(206, there, Content_Range=span)
        else:
            self.answer(200, found)

    def do_PUT(self) -> None:
        if source := self.headers.get("x-amz-copy-source"):
            self.server.objects[self.key] = self.server.objects["/" + unquote(source).lstrip("/")]
            self.answer(200, "<CopyObjectResult><ETag>0</ETag></CopyObjectResult>")
            return
        if "partNumber" in self.query:
            parts = self.server.parts[self.query["uploadId"]]
            parts[int(self.query["partNumber"])] = self.body
        else:
            self.server.objects[self.key] = self.body
        self.answer()

    def do_POST(self) -> None:
        if "uploads" in self.query:
            number = str(len(self.server.parts))
            self.server.parts[number] = {}
            result = f"<UploadId>{number}</UploadId>"
            self.answer(
                200, f"<InitiateMultipartUploadResult>{result}</InitiateMultipartUploadResult>"
            )
        else:
            parts = self.server.parts[self.query["uploadId"]]
            self.server.objects[self.key] = b"".join(parts[number] for number in sorted(parts))
            self.answer(200, "<CompleteMultipartUploadResult></CompleteMultipartUploadResult>")

    def do_DELETE(self) -> None:
        self.server.objects.pop(self.key, None)
        self.answer(204)

    def _list(self) -> str:
        root, prefix = f"{self.key.rstrip('/')}/", self.query.get("prefix", "")
        delimiter = self.query.get("delimiter")
        found, folders = "", []
        for key, content in sorted(self.server.objects.items()):
            name = key.removeprefix(root)
            if not name.startswith(prefix) or not key.startswith(root):
                continue
            inner, slash, _ = name[len(prefix) :].partition(delimiter or "\0")
            if slash:
                folders.append(prefix + inner + slash)
                continue
            found += (
                f"<Contents><Key>{escape(name)}</Key><Size>{len(content)}</Size><ETag>0</ETag>"
                "<LastModified>2020-01-01T00:00:00.000Z</LastModified></Contents>"
            )
        for folder in dict.fromkeys(folders):
            found += f"<CommonPrefixes><Prefix>{escape(folder)}</Prefix></CommonPrefixes>"
        return f"<ListBucketResult><IsTruncated>false</IsTruncated>{found}</ListBucketResult>"


def _joined(stream: BinaryIO) -> bytes:
    """Read chunks, each after a line with its size, up to an empty one and what follows it."""
    found = b""
    while size := int(stream.readline().split(b";")[0], 16):
        found += stream.read(size)
        stream.readline()
    while stream.readline().strip():
        pass
    return found
