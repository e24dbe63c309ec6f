"""A management node that receives submissions over HTTP, and can be told to misbehave."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any


class Server(ThreadingHTTPServer):
    request_queue_size = 100
    """The default lets the kernel refuse what comes all at once."""


class Node:
    """Takes each `Idempotency-Key` once; `status` is what it answers, `hang` holds answers back."""

    def __init__(self) -> None:
        self.status = 202
        self.go_on = Event()
        self.go_on.set()
        self.hang_up = False
        self.requests: list[dict[str, str]] = []
        self.clients: list[object] = []
        """Whose connection each request came on."""
        self.orders: list[dict[str, Any]] = []
        self.taken: dict[str, dict[str, Any]] = {}
        self._server = Server(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}/submit"

    @contextmanager
    def serving(self) -> Iterator["Node"]:
        thread = Thread(target=self._server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield self
        finally:
            self.go_on.set()
            self._server.shutdown()
            thread.join()
            self._server.server_close()

    def take(self, headers: dict[str, str], body: bytes) -> int:
        self.requests.append(headers)
        self.orders.append(json.loads(body))
        if self.status < 300:
            self.taken.setdefault(headers["idempotency-key"], self.orders[-1])
        self.go_on.wait()
        return self.status


def _handler(node: Node) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            node.clients.append(self.client_address)
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = node.take({name.lower(): value for name, value in self.headers.items()}, body)
            if node.hang_up:
                self.connection.close()
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: Any) -> None:
            """Say nothing."""

    return Handler
