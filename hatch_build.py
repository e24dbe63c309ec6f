"""Build hook: takes the data directories beside the package into the wheel."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

DATA = ("templates", "static", "migrations", "docs/runbook.md")


class DataHook(BuildHookInterface):  # type: ignore[type-arg]  # its parameter is not public
    """Includes `DATA` under `flagctl/_data` in a real wheel, never in an editable one.

    An editable install would get a copy that goes stale; `flagctl.paths` finds the tree instead.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version != "standard":
            return
        for name in DATA:
            source = Path(self.root, name)
            if source.exists():
                build_data["force_include"][str(source)] = f"flagctl/_data/{name}"
