"""The sample queue policy that a first start works with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

SAMPLE: Final = Path(__file__).with_name("sample_policy.json")


def copy_sample_policy(path: Path) -> bool:
    """Put the sample policy at `path` unless something stands there; tell whether it was put.

    It appears whole or not at all, and what stands there is never touched.

    Raises:
        OSError: the directory is missing or can't be written.

    """
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_bytes(SAMPLE.read_bytes())
    try:
        path.hardlink_to(partial)
    except FileExistsError:
        return False
    finally:
        partial.unlink()
    return True
