"""Regular expressions. No other module imports `re`, so that a test can run each of them on hostile text (S35).

Much of what is searched was sent by strangers, and a backtracking pattern takes hours for a line of the right kind.
"""

import fnmatch
import re
from collections.abc import Iterable
from re import ASCII, DOTALL, IGNORECASE, MULTILINE, Match, Pattern

__all__ = ["ASCII", "DOTALL", "IGNORECASE", "MULTILINE", "PATTERNS", "Match", "Pattern", "linear", "shell_patterns"]

PATTERNS: list[Pattern[str] | Pattern[bytes]] = []  # all that `linear` returned


def linear[Text: (str, bytes)](pattern: Text, flags: int = 0) -> Pattern[Text]:
    """Returns the compiled pattern, which must take time in proportion to the text, whatever the text is.

    Call it while a module is imported, not in a function. To keep a pattern linear: begin it with something that
    cannot be inside of what it repeats, for example with a lookbehind. Where two repetitions in a row can match the
    same characters, put the first into an atomic group, `(?>…)`.
    """
    compiled = re.compile(pattern, flags)
    PATTERNS.append(compiled)
    return compiled


def shell_patterns(values: Iterable[str]) -> Pattern[str] | None:
    """Returns a pattern that matches what one of the shell patterns does; None if there are none.

    It is linear, because `fnmatch` writes each star as an atomic group.
    """
    translated = "|".join(map(fnmatch.translate, values))
    return re.compile(rf"\A(?:{translated})") if translated else None
