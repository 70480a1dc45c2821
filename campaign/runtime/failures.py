"""One sentence for the operator about what stopped a command: a folder, the network or the database."""

import errno
from pathlib import Path

from django.db import OperationalError


def sentence(error: OSError | OperationalError) -> str:
    """Returns the sentence. It names no value of a row: PostgreSQL puts those on lines of their own."""
    if isinstance(error, OperationalError):
        return f"The database cannot be used: {first_line(error)}."
    place = f"{error.filename} cannot be used" if error.filename else "The system refused"
    return f"{place}: {error.strerror or type(error).__name__}."


def in_folder(error: OSError, folder: Path) -> str:
    """Returns what the system said of a folder, for the end of a sentence: "no space left in deliveries/"."""
    said = "no space left" if error.errno == errno.ENOSPC else (error.strerror or type(error).__name__).lower()
    return f"{said} in {folder.name}/"


def first_line(error: Exception) -> str:
    """Returns the first line of an error, or its name, for the end of a sentence."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")
