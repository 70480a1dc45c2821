"""One sentence for the operator about what stopped a command: a folder, the network or the database."""

import errno
from pathlib import Path

from django.db import OperationalError, ProgrammingError
from psycopg2.errors import UndefinedColumn, UndefinedFunction, UndefinedTable


def sentence(error: Exception) -> str:
    """Returns the sentence. It names no value of a row: PostgreSQL puts those on lines of their own.

    An error that is neither of the system nor of the database is taken at its word. Of a statement that is wrong there
    is no sentence, unless the tables are those of other code.
    """
    if isinstance(error, ProgrammingError):
        is_other_schema = isinstance(error.__cause__, UndefinedTable | UndefinedColumn | UndefinedFunction)
        return "The database has not the tables of this code: run `migrate`." if is_other_schema else ""
    if isinstance(error, OperationalError):
        return f"The database cannot be used: {first_line(error)}."
    if not isinstance(error, OSError):
        return str(error)
    place = f"{error.filename} cannot be used" if error.filename else "The system refused"
    return f"{place}: {error.strerror or type(error).__name__}."


def in_folder(error: OSError, folder: Path) -> str:
    """Returns what the system said of a folder, for the end of a sentence: "no space left in deliveries/"."""
    said = "no space left" if error.errno == errno.ENOSPC else (error.strerror or type(error).__name__).lower()
    return f"{said} in {folder.name}/"


def first_line(error: Exception) -> str:
    """Returns the first line of an error, or its name, for the end of a sentence."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")
