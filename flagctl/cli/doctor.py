"""`flagctl doctor`: every setting with its source, every dependency with its state."""

from __future__ import annotations

from collections.abc import Sequence

from flagctl.cli.desk import Desk
from flagctl.cli.examination import examine
from flagctl.cli.exits import DONE, EXITS
from flagctl.cli.findings import Finding, failed
from flagctl.cli.options import Json
from flagctl.cli.say import say, say_json
from flagctl.errors import Code, MisconfiguredError
from flagctl.settings import SettingLine, load_settings, load_usable_settings, setting_lines
from flagctl.store.files import DataFiles
from flagctl.vocabulary import Health


def doctor(json: Json = False) -> int:
    """Say what is wrong and what to do.

    Every setting with its source, every dependency with its state; works when all is broken.
    """
    settings, problems = load_usable_settings()
    lines = setting_lines(settings)
    findings = [
        *(failed("settings", str(problem), Code.MISCONFIGURED) for problem in problems),
        *_combination(problems),
        *examine(Desk(settings, DataFiles(settings.data_dir))),
    ]
    if json:
        say_json({"settings": lines, "findings": findings})
    else:
        _tell(lines, findings)
    return _verdict(findings)


def _combination(problems: Sequence[MisconfiguredError]) -> list[Finding]:
    """Return what is wrong with the settings together, each being usable by itself."""
    if problems:
        return []
    try:
        load_settings()
    except MisconfiguredError as error:
        return [failed("settings", str(error), Code.MISCONFIGURED)]
    return []


def _tell(lines: Sequence[SettingLine], findings: Sequence[Finding]) -> None:
    say("Settings:")
    for line in lines:
        shown = "unset" if line.value is None else line.value
        say(f"  {line.name} = {shown} ({line.source}): {line.help}")
    say()
    say("Findings:")
    for finding in findings:
        say(f"  {_MARKS[finding.health]} {finding.name}: {finding.text}")


_MARKS = {Health.OK: "ok     ", Health.WARNING: "warning", Health.FAILED: "FAILED "}


def _verdict(findings: Sequence[Finding]) -> int:
    """Return 0 unless something failed: 2 when a setting is wrong, else 8 or 1."""
    exits = [EXITS[finding.code] for finding in findings if finding.code is not None]
    return min(exits, key=_URGENCY.index, default=DONE)


_URGENCY = (EXITS[Code.MISCONFIGURED], EXITS[Code.UNAVAILABLE], EXITS[Code.INTERNAL])
