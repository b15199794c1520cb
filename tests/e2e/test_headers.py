"""The headers that keep a browser to this server."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from tests.conftest import Server


def test_a_request_for_the_whole_server_is_answered_with_them(server: Server) -> None:
    where = urlsplit(server.address)
    with socket.create_connection((where.hostname, where.port), timeout=20) as line:
        line.sendall(b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: line.recv(65536), b"")).decode()
    assert answer.startswith("HTTP/1.1 4")
    assert "frame-ancestors 'none'" in answer
