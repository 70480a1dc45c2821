"""The module that Django loads for the `ENGINE` of this package."""

import errno
import os
import select
from functools import cached_property
from types import TracebackType
from typing import Any

from django.db.backends.postgresql import base
from django.db.utils import DatabaseErrorWrapper
from psycopg2 import DatabaseError, InterfaceError, OperationalError
from psycopg2.errors import InsufficientPrivilege

from campaign.runtime import unfinished_restore


class DatabaseErrors(DatabaseErrorWrapper):
    """Django's errors in place of psycopg2's.

    An OperationalError is also that the connection was lost before or meanwhile, and that the disk of the database has
    become read-only: none of them is a fault of the statement, and a visitor who tries later may succeed.
    """

    wrapper: "DatabaseWrapper"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and self._is_of_the_server(error):
            kind, error = OperationalError, OperationalError(str(error))
        super().__exit__(kind, error, trace)

    def _is_of_the_server(self, error: BaseException) -> bool:
        if isinstance(error, InsufficientPrivilege):  # also who lacks a right to a table, whose disk can be written
            return os.strerror(errno.EROFS) in str(error)
        if isinstance(error, InterfaceError):
            return self.wrapper.connection is not None and bool(self.wrapper.connection.closed)
        # None of its subclasses, and without a code: the server ended before it could answer.
        return type(error) is DatabaseError and getattr(error, "pgcode", None) is None


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that is lost is an OperationalError for whatever comes next, too, and that is 503 and not 500.

    It asks the server whether a kept connection still works only if the server has sent something unasked. One on which
    the server still holds a transaction of a former request is not used again: each statement would fail.

    Django asks before every request, which costs as much as the statement of a sign-up. A server that ends a connection
    says so, and then there is something to read: its message or the end of the stream. A server that says nothing any
    more is noticed by `database_waits`, which leaves it when another answers, and a network by the keepalives.
    """

    def connect(self) -> None:
        super().connect()
        try:
            unfinished_restore.require_finished(self.connection)
        except BaseException:
            self.close()
            raise

    @cached_property
    def wrap_database_errors(self) -> DatabaseErrors:
        return DatabaseErrors(self)

    def chunked_cursor(self) -> Any:
        """Returns a cursor of the server only within a transaction: beyond one, PgBouncer changes sessions (O17)."""
        return super().chunked_cursor() if self.in_atomic_block else self.cursor()

    def is_usable(self) -> bool:
        look = select.poll()  # not `select`, which takes no descriptor above 1,023
        try:
            look.register(self.connection, select.POLLIN)
        except InterfaceError:  # closed on this side
            return False
        if self.connection.is_replaced or (self.connection.is_in_transaction and not self.in_atomic_block):
            return False
        return not look.poll(0) or super().is_usable()
