"""One sentence for the operator about what stopped a command: a folder, the network or the database."""

from django.db import OperationalError


def sentence(error: OSError | OperationalError) -> str:
    """Returns the sentence. It names no value of a row: PostgreSQL puts those on lines of their own."""
    if isinstance(error, OperationalError):
        return f"The database cannot be used: {first_line(error)}."
    place = f"{error.filename} cannot be used" if error.filename else "The system refused"
    return f"{place}: {error.strerror or type(error).__name__}."


def first_line(error: Exception) -> str:
    """Returns the first line of an error, or its name, for the end of a sentence."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")
