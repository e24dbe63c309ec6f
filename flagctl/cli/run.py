"""Running a command: whatever happens in it becomes a message and an exit code, once."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from flagctl.cli.exits import BROKEN_PIPE, DONE, EXITS, INTERNAL, INTERRUPTED, USAGE
from flagctl.cli.say import complain, complain_json, speak_any_alphabet
from flagctl.errors import Code, FlagctlError, StaleError

if TYPE_CHECKING:
    from typer.exceptions import TyperException

STATUS_OPTIONS: Final = frozenset({"--json", "--check"})


def run(argv: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    speak_any_alphabet()
    try:
        code = _run(argv)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read us is gone; Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return BROKEN_PIPE
    except KeyboardInterrupt:
        return _interrupted()
    return code


def _run(argv: Sequence[str]) -> int:
    try:
        if argv[:1] == ["status"] and STATUS_OPTIONS.issuperset(argv[1:]):
            return _run_status(argv)
        return _run_command(argv)
    except FlagctlError as error:
        return _refuse(error, argv)
    except BrokenPipeError:
        raise
    except Exception as error:
        return _confess(error, argv)


def _run_status(argv: Sequence[str]) -> int:
    """Run what on-call waits for without Typer, which would take longer than all the rest."""
    from flagctl.cli.status import report

    return report(as_json="--json" in argv, check="--check" in argv)


def _run_command(argv: Sequence[str]) -> int:
    from typer import Abort
    from typer.exceptions import TyperException

    from flagctl.cli.commands import app

    try:
        result = app(args=list(argv), prog_name="flagctl", standalone_mode=False)
    except TyperException as error:
        return _explain_usage(error, argv)
    except Abort:
        complain("nothing was changed.")
        return INTERRUPTED
    if result == INTERRUPTED:
        return _interrupted()
    return result if isinstance(result, int) else DONE


def _interrupted() -> int:
    complain("interrupted.")
    return INTERRUPTED


def _refuse(error: FlagctlError, argv: Sequence[str]) -> int:
    exit_code = EXITS[error.code]
    notes = tuple(getattr(error, "__notes__", ()))
    if "--json" in argv:
        current = error.current if isinstance(error, StaleError) else None
        more = {"revision": current, "notes": notes}
        told = {key: value for key, value in more.items() if value}
        complain_json(error.code, str(error), exit=exit_code, **told)
    else:
        complain(str(error), notes)
    return exit_code


def _explain_usage(error: TyperException, argv: Sequence[str]) -> int:
    context = getattr(error, "ctx", None)
    if context is not None and error.format_message() == context.get_help():
        sys.stderr.write(error.format_message() + "\n")
        return USAGE
    command = context.command_path if context else "flagctl"
    message = f"{error.format_message()} See `{command} --help`."
    if "--json" in argv:
        complain_json(Code.INVALID, message, exit=USAGE)
    else:
        complain(message)
    return USAGE


def _confess(error: Exception, argv: Sequence[str]) -> int:
    if "--traceback" in argv:
        traceback.print_exception(error)
    message = (
        f"{type(error).__name__}: {error}. This is a fault of flagctl itself. To see where: "
        f"flagctl --traceback {' '.join(argv)}"
    )
    if "--json" in argv:
        complain_json(Code.INTERNAL, message, exit=INTERNAL)
    else:
        complain(message)
    return INTERNAL
