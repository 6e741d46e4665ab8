"""Who may ask `digitlens serve`: names, origins, tokens, and TLS."""

import os
import socket
import ssl
import urllib.request
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from command import Digitlens, assert_one_line_error
from server import Server, certificate, next_picture, serving

KEEPING_OTHERS_OUT = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}


@pytest.mark.parametrize(
    "path", ["/", "/style.css", "/api/health", "/api/nothing", "/page/samples"]
)
def test_every_answer_has_the_headers_that_keep_others_out(server: Server, path: str) -> None:
    for headers in ({}, {"Host": "evil.example"}):
        answer = server.ask(path, **headers)
        found = {name: answer.headers[name] for name in KEEPING_OTHERS_OUT}
        assert found == KEEPING_OTHERS_OUT
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "127.0.0.1:{port}"}, 200),
        ({"Host": "localhost:{port}"}, 200),
        ({"Host": "LOCALHOST:9000"}, 200),
        ({"Host": "evil.example"}, 421),
        ({"Host": "evil.example:{port}"}, 421),
        ({"Host": "127.0.0.1.evil.example"}, 421),
        ({"Host": "127.0.0.2:{port}"}, 421),
        ({"Host": "evil@127.0.0.1"}, 421),
        ({"Host": "[::1"}, 421),
        ({"Host": ""}, 421),
        ({"Origin": "http://127.0.0.1:{port}"}, 200),
        ({"Origin": "http://127.0.0.1:9"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://[evil"}, 403),
        ({"Origin": "file://127.0.0.1:{port}"}, 403),
        ({"Sec_Fetch_Site": "same-origin", "Sec_Fetch_Mode": "cors"}, 200),
        ({"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors"}, 403),
        ({"Sec_Fetch_Site": "same-site", "Sec_Fetch_Mode": "cors"}, 403),
        ({"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}, 200),
    ],
)
def test_host_and_origin_are_looked_at(
    server: Server, headers: dict[str, str], status: int
) -> None:
    filled = {name: value.format(port=server.port) for name, value in headers.items()}
    assert server.ask("/api/health", **filled).status == status


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"additional_headers": {"Sec-Fetch-Site": "cross-site"}}, 403),
    ],
)
def test_sockets_from_elsewhere_are_refused(server: Server, options: dict, status: int) -> None:
    with pytest.raises(InvalidStatus) as refused, server.watch(**options):
        pass
    assert refused.value.response.status_code == status


def test_sockets_by_another_name_are_refused(server: Server) -> None:
    key = {"Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec_WebSocket_Version": "13"}
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", **key}
    assert server.ask("/page/live", Host="evil.example", **upgrade).status == 421


def test_another_host_needs_a_token(image: bytes) -> None:
    with serving("test:", "--host", "0.0.0.0") as server:
        token = server.address.partition("?token=")[2]
        assert len(token) >= 20
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {token}"}):
            answer = server.ask("/api/health", **headers)
            assert answer.status == 401
            assert "token" in answer.text
        assert server.ask(f"/?token={token}x").status == 401
        assert server.ask("/", Cookie=f"digitlens_{server.port}={token}").status == 401
        assert server.ask("/api/health", Authorization=f"Bearer {token}").status == 200
        with pytest.raises(InvalidStatus) as refused, server.watch():
            pass
        assert refused.value.response.status_code == 401
        bearer = {"Authorization": f"Bearer {token}"}
        with server.watch(additional_headers=bearer) as viewer:
            next_picture(viewer)
        answer = server.ask(f"/?token={token}")
        assert answer.status == 200
        name, _, rest = answer.headers["set-cookie"].partition("; ")
        assert token not in name
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(rest.split("; "))
        assert server.ask("/api/read", image, Cookie=name).status == 200
        assert server.ask("/", Host="evil.example", Cookie=name).status == 421
        assert token not in server.end()[2]


def test_the_token_may_be_given_and_then_holds_for_everybody() -> None:
    for host in ("0.0.0.0", "127.0.0.1"):
        with serving("--host", host, "test:", env={"DIGITLENS_TOKEN": "a b&ö"}) as server:
            assert server.address.endswith("/?token=a%20b%26%C3%B6")
            assert server.ask("/api/health").status == 401
            assert server.ask("/api/health?token=a%20b%26%C3%B6").status == 200


def test_names_can_be_allowed() -> None:
    with serving("test:", "--allow-host", "desk.example") as server:
        assert server.ask("/", Host=f"desk.example:{server.port}").status == 200
        assert server.ask("/", Host=f"other.example:{server.port}").status == 421


def test_it_serves_by_tls(tmp_path: Path, digitlens: Digitlens) -> None:
    cert, key = certificate(tmp_path)
    trust = ssl.create_default_context(cafile=str(cert))
    with serving("test:", "--certfile", cert, "--keyfile", key, "--host", "0.0.0.0") as server:
        assert server.address.startswith("https://")
        address = f"https://localhost:{server.port}/?{server.address.partition('?')[2]}"
        with urllib.request.urlopen(address, context=trust) as answer:
            assert "Secure" in answer.headers["set-cookie"]
    result = digitlens("serve", "test:", "--port", 0, "--certfile", key)
    assert_one_line_error(result, 2, key)
    result = digitlens("serve", "test:", "--port", 0, "--certfile", tmp_path / "none.pem")
    assert_one_line_error(result, 2, "none.pem")
    result = digitlens("serve", "test:", "--port", 0, "--keyfile", key)
    assert_one_line_error(result, 2, "--certfile")


def test_of_several_origins_all_are_looked_at(server: Server) -> None:
    own = f"http://127.0.0.1:{server.port}"
    head = f"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nOrigin: {own}\r\n"
    with socket.create_connection(("127.0.0.1", server.port)) as asked:
        asked.sendall(f"{head}Origin: http://evil.example\r\n\r\n".encode())
        assert asked.recv(1000).startswith(b"HTTP/1.1 403")


def test_a_token_of_any_bytes_is_taken() -> None:
    with serving("test:", env={"DIGITLENS_TOKEN": os.fsdecode(b"t\xff\xc3\xb6")}) as server:
        assert server.address.endswith("?token=t%FF%C3%B6")
        assert server.ask("/api/health?token=t%FF%C3%B6").status == 200
        assert server.ask("/api/health?token=t%FF").status == 401
        bearer = b"Bearer t\xff\xc3\xb6".decode("latin-1")
        assert server.ask("/api/health", Authorization=bearer).status == 200
