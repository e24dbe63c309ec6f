"""Real processes that work on one store at once."""

import sys
from contextlib import ExitStack
from pathlib import Path
from subprocess import PIPE, Popen


def run_together(script: str, arguments: list[list[str]]) -> list[str]:
    """Run a script once for each list of arguments, let all go on at once, return their output.

    The script reads a line from stdin when it is ready to begin.
    """
    with ExitStack() as stack:
        processes = [start(script, *each, stack=stack) for each in arguments]
        for process in processes:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        outputs = [process.communicate()[0] for process in processes]
        assert [process.returncode for process in processes] == [0] * len(processes)
    return outputs


def start(script: str, *arguments: str, stack: ExitStack) -> Popen[str]:
    """Start one process that runs the script; it is killed when the stack ends."""
    command = [sys.executable, "-c", script, *arguments]
    process = Popen(command, stdin=PIPE, stdout=PIPE, text=True, cwd=Path(__file__).parents[2])
    stack.enter_context(process)
    stack.callback(process.kill)
    return process
