"""What is written to the terminal: lines that can't steer it, or JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from flagctl.present.plain import to_plain
from flagctl.present.wording import printable


def say(line: str = "") -> None:
    """Write one line to the standard output."""
    sys.stdout.write(printable(line) + "\n")


def say_json(value: Any) -> None:
    """Write a record as JSON to the standard output; text is as it was stored."""
    sys.stdout.write(json.dumps(to_plain(value), ensure_ascii=False, indent=2) + "\n")


def say_line(told: Mapping[str, Any], *, as_json: bool) -> None:
    """Announce something at once on one line: JSON, or the names with their values."""
    if as_json:
        sys.stdout.write(json.dumps(to_plain(told), ensure_ascii=False) + "\n")
    else:
        say(", ".join(f"{name} {value}" for name, value in told.items()))
    sys.stdout.flush()


def complain(message: str, notes: tuple[str, ...] = ()) -> None:
    """Write what went wrong to the standard error, with lines that belong to it."""
    for line in (f"flagctl: {message}", *(f"  {note}" for note in notes)):
        sys.stderr.write(printable(line) + "\n")


def warn(message: str) -> None:
    """Write what is wrong and does not stop the command to the standard error."""
    sys.stderr.write(printable(f"flagctl: warning: {message}") + "\n")


def complain_json(code: str, message: str, **more: Any) -> None:
    """Write what went wrong as JSON to the standard error."""
    told = {"code": code, "message": message, **more}
    sys.stderr.write(json.dumps(to_plain(told), ensure_ascii=False) + "\n")


def speak_any_alphabet() -> None:
    """Write what the terminal's encoding lacks as an escape, and never fail over an arrow."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
