"""The header of a WAL index, as "WAL-mode File Format", section 2, describes it.

The layout is documented but not promised: version, checksum and both copies are checked before
anything relies on it.
"""

from __future__ import annotations

import struct
from typing import Final

HEADER: Final = slice(0, 96)
"""The two copies of the header. Every commit changes both before it returns."""

VERSION: Final = 3007000

_COPY_BYTES: Final = 48
_COPY: Final = struct.Struct("=IIIBBHIIIIIIII")


def layout_complaint(header: bytes) -> str | None:
    """Say what is not as it should be with the two copies of the header."""
    copy = header[:_COPY_BYTES]
    if copy != header[_COPY_BYTES:]:
        return "the two copies of its header differ"
    version, _, _, is_ready, *_ = fields = _COPY.unpack(copy)
    if version != VERSION:
        return f"its version is {version}, not {VERSION}"
    if is_ready != 1:
        return "it is not initialised"
    if _checksum(copy) != fields[-2:]:
        return "the checksum of its header is another one"
    return None


def _checksum(copy: bytes) -> tuple[int, int]:
    """SQLite's checksum over the header but for the checksum itself, in native byte order."""
    first = second = 0
    words = struct.unpack("=10I", copy[:40])
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second
