"""How days and numbers are written, where a language does it otherwise than Django. Staff read one form for all."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Self

_is_for_staff = ContextVar("is_for_staff", default=False)


@contextmanager
def for_staff() -> Iterator[None]:
    """Write days and times as on staff pages meanwhile."""
    token = _is_for_staff.set(True)
    try:
        yield
    finally:
        _is_for_staff.reset(token)


class TwoForms(str):
    """A date format for readers, and another one for staff. Django takes its `str()` with each date that it writes."""

    __slots__ = ("staff",)
    staff: str

    def __new__(cls, readers: str, staff: str) -> Self:
        both = super().__new__(cls, readers)
        both.staff = staff
        return both

    def __str__(self) -> str:
        return self.staff if _is_for_staff.get() else super().__str__()
