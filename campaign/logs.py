"""Log lines that name nobody: codes and ids stay, what a person typed goes (DESIGN.md, rule 6)."""

import logging
import re
import traceback

PERSONAL_LINK = re.compile(r"(/signature/)[^/\s]+")
ADDRESS = re.compile(r"[^\s<>\"'=(]+@[^\s<>\"',;)]+")


class Discreet(logging.Formatter):
    """One line an event: personal links and addresses blanked, control characters escaped (SECURITY.md R5, R6).

    An exception is logged by its type and its place; its message may quote a signer's words.
    """

    def __init__(self) -> None:
        super().__init__("{asctime} {levelname} {name} {message}", style="{")

    def format(self, record: logging.LogRecord) -> str:
        record = logging.makeLogRecord(record.__dict__)
        record.exc_text = record.stack_info = None
        exception, record.exc_info = record.exc_info, None
        line = ADDRESS.sub("[address]", PERSONAL_LINK.sub(r"\1[link]", super().format(record)))
        if exception and exception[0]:
            places = " < ".join(
                f"{frame.filename}:{frame.lineno}" for frame in reversed(traceback.extract_tb(exception[2]))
            )
            line = f"{line} [{exception[0].__name__}] {places}"
        return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
