"""The scripted fake: the real child over a made-up pyslurm. `python fake_child.py WORLD`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from flagctl.slurm import child  # noqa: E402 - found once the path is set
from tests.slurm.fake_pyslurm import FakePyslurm, hang  # noqa: E402
from tests.slurm.world import World  # noqa: E402


def strike(fault: str | None) -> None:
    """Misbehave as planned."""
    if fault in ("hang", "hang-after"):
        hang()
    if fault == "exit":
        sys.stderr.write("python: fatal: as planned\n")
        sys.stderr.flush()
        sys.exit(1)
    if fault == "garbage":
        sys.stdout.write("slurm_load: this is no message\n")
        sys.stdout.flush()


def main(world: World) -> int:
    honest = child.answer

    def answer(slurm: Any, op: str, args: dict[str, Any]) -> dict[str, Any]:
        fault = world.strikes(op)
        if fault != "hang-after":
            strike(fault)
        reply = honest(slurm, op, args)
        if fault == "hang-after":
            strike(fault)
        return reply

    fault = world.strikes("start")
    if fault == "missing":
        sys.modules["pyslurm"] = None  # type: ignore[assignment]
    else:
        strike(fault)
        sys.modules["pyslurm"] = FakePyslurm(world)  # type: ignore[assignment]
    child.answer = answer
    return child.main()


if __name__ == "__main__":
    sys.exit(main(World(Path(sys.argv[1]))))
