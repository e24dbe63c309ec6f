"""The real child, that waits at a gate between saying that something leaves and letting it leave.

`python gated_child.py CHILD GATE`: while the file GATE is there, nothing leaves. It runs in the
cluster's Python, where this package is not installed.
"""

import importlib.util
import sys
from pathlib import Path
from threading import Event
from typing import Any


def main(child_file: str, gate: Path) -> int:
    spec = importlib.util.spec_from_file_location("flagctl_child", child_file)
    assert spec
    assert spec.loader
    child: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(child)
    honest, pause = child.send, Event()

    def send(replies: Any, message: dict[str, Any]) -> None:
        honest(replies, message)
        while "sending" in message and gate.exists():
            pause.wait(0.005)

    child.send = send
    status: int = child.main()
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
