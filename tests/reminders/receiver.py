"""A real HTTP receiver on loopback, which answers as a test tells it to."""

import json
import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Arrival:
    """A message that the receiver answered, and how; `path` begins with a slash."""

    path: str
    status: int
    title: str
    text: str

    @property
    def reminder(self) -> str:
        """The number of the reminder, which is the same however late it is told."""
        found = re.search(r"Reminder (\d+)", self.text)
        return found[1] if found else ""


class Receiver:
    """Takes what Apprise posts as JSON; until told otherwise it answers 200."""

    def __init__(self, port: int = 0) -> None:
        self.arrivals: list[Arrival] = []
        self.answers: dict[str, int] = {}
        self.hanging: set[str] = set()
        """Paths whose requests are not answered before `let_go`."""
        self.held: list[str] = []
        """The paths of the requests that hang now, or hung."""
        self._let_go = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def url(self, path: str = "/ops") -> str:
        return f"json://127.0.0.1:{self.port}{path}"

    def taken(self, path: str = "/ops") -> list[Arrival]:
        """What arrived on this path and was answered with a 2xx."""
        found = [each for each in self.arrivals if each.path == path]
        return [each for each in found if 200 <= each.status < 300]

    def titles(self, path: str = "/ops") -> list[str]:
        return [each.title for each in self.taken(path)]

    def twice(self) -> list[tuple[str, str]]:
        """What was taken more than once: path and number of the reminder."""
        count = Counter((each.path, each.reminder) for each in self.arrivals if each.status < 300)
        return [each for each, times in count.items() if times > 1]

    def let_go(self) -> None:
        """Answer what hangs, and hang no more."""
        self.hanging.clear()
        self._let_go.set()

    def close(self) -> None:
        self.let_go()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handle(self, path: str, body: bytes, answer: Callable[[int], None]) -> None:
        if path in self.hanging:
            self.held.append(path)
            self._let_go.wait(30)
        told: dict[str, Any] = json.loads(body or b"{}")
        status = self.answers.get(path, 200)
        arrival = Arrival(path, status, told.get("title", ""), told.get("message", ""))
        self.arrivals.append(arrival)  # before whoever gets the answer can ask for it
        try:
            answer(status)
        except OSError:  # the sender is gone
            self.arrivals.remove(arrival)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                receiver._handle(self.path, body, self._answer)

            def _answer(self, status: int) -> None:
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", f"http://127.0.0.1:{receiver.port}/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler
