"""The process from which parts are typeset. It reads the typesetter's modules once, and forks for each step of a job.

A line of its input is a job: a number, and steps, each with a module of this package, a function in it and arguments.
A line of its output is what became of a job: its number, the exit code, and the results of its steps together, or the
number of the error if the system refused something, such as space on the disk. Each step has a process of its own, so
that its memory goes with it, and starts without reading a module again. The press ends with its input.
"""

import gc
import json
import os
import sys
from importlib import import_module
from typing import Any

PACKAGE = "signatures.delivery.typesetter"
OUTPUT = 1
FAILED, REFUSED = 1, 2  # exit codes: for any reason, by the system
AT_ONCE = 65_536  # bytes read from a pipe


def run(modules: list[str]) -> None:
    for module in modules:
        import_module(f"{PACKAGE}.{module}")
    gc.disable()  # every process is short-lived; collecting would also copy the pages that all of them share
    running: set[int] = set()
    for line in sys.stdin.buffer:
        running -= {child for child in running if os.waitpid(child, os.WNOHANG)[0]}
        if child := os.fork():
            running.add(child)
        else:
            _do(json.loads(line))
    for child in running:
        os.waitpid(child, 0)


def _do(job: dict[str, Any]) -> None:
    """Does the steps one after the other, writes the line, and ends this process."""
    result: dict[str, Any] = {}
    code, errno = 0, None
    for module, function, arguments in job["steps"]:
        code, output = _apart(module, function, arguments)
        if code == REFUSED:
            errno = json.loads(output)
        if code:
            break
        result |= json.loads(output)
    line = json.dumps({"number": job["number"], "code": code, "errno": errno, "result": result})
    os.write(OUTPUT, line.encode() + b"\n")  # short enough to be written at once, whoever else writes
    os._exit(0)


def _apart(module: str, function: str, arguments: dict[str, Any]) -> tuple[int, bytes]:
    """Returns the exit code of a step in a process of its own, and as JSON its result, or errno if it was refused."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        code = FAILED
        try:
            result = getattr(import_module(f"{PACKAGE}.{module}"), function)(**arguments)
            os.write(writing, json.dumps(result).encode())
            code = 0
        except OSError as error:
            os.write(writing, json.dumps(error.errno).encode())
            code = REFUSED
        finally:
            os._exit(code)  # without a word: an error message may quote a name
    os.close(writing)
    parts = list(iter(lambda: os.read(reading, AT_ONCE), b""))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), b"".join(parts)


if __name__ == "__main__":
    run(sys.argv[1:])
