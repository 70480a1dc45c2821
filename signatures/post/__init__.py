"""The outbox: mails wait in the database, and the worker sends those that are due."""

from signatures.post.queueing import QUIET, TO_STAFF, drop, queue, queue_for_staff, queue_updates
from signatures.post.sending import GIVE_UP, drain, password_link, personal_link

__all__ = [
    "GIVE_UP",
    "QUIET",
    "TO_STAFF",
    "drain",
    "drop",
    "password_link",
    "personal_link",
    "queue",
    "queue_for_staff",
    "queue_updates",
]
