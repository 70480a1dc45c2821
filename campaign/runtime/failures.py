"""One sentence for the operator about what stopped a command: a folder, the network or the database."""

from django.db import OperationalError


def sentence(error: OSError | OperationalError) -> str:
    """Returns the sentence. It names no value of a row: PostgreSQL puts those on lines of their own."""
    if isinstance(error, OperationalError):
        first, *_rest = str(error).strip().splitlines() or ["no reason given"]
        return f"The database cannot be used: {first.rstrip('.')}."
    place = f"{error.filename} cannot be used" if error.filename else "The system refused"
    return f"{place}: {error.strerror or type(error).__name__}."
