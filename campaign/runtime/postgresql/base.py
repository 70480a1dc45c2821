"""The module that Django loads for the `ENGINE` of this package."""

import select

from django.db.backends.postgresql import base
from psycopg2 import InterfaceError


class DatabaseWrapper(base.DatabaseWrapper):
    """Asks the server whether a kept connection still works only if the server has sent something unasked.

    Django asks before every request, which costs as much as the statement of a sign-up. A server that ends a connection
    says so, and then there is something to read: its message or the end of the stream. A server that says nothing any
    more is noticed by `database_waits`, and a network by the keepalives.
    """

    def is_usable(self) -> bool:
        look = select.poll()  # not `select`, which takes no descriptor above 1,023
        try:
            look.register(self.connection, select.POLLIN)
        except InterfaceError:  # closed on this side
            return False
        return not look.poll(0) or super().is_usable()
