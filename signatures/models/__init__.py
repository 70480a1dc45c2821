"""The rows of the people who sign: signatures, mails to them, and what was done with them."""

from signatures.models.delivery import Delivered, Delivery, Erratum
from signatures.models.desk import Bucket, Limit, Question, RejectionReason
from signatures.models.mail import Mail, MailSubject, Silence
from signatures.models.signature import (
    Audience,
    Kind,
    Signature,
    SignatureQuerySet,
    SignedLetter,
    State,
    Tally,
    Tombstone,
    Waiting,
)
from signatures.models.trail import TrailEntry

__all__ = [
    "Audience",
    "Bucket",
    "Delivered",
    "Delivery",
    "Erratum",
    "Kind",
    "Limit",
    "Mail",
    "MailSubject",
    "Question",
    "RejectionReason",
    "Signature",
    "SignatureQuerySet",
    "SignedLetter",
    "Silence",
    "State",
    "Tally",
    "Tombstone",
    "TrailEntry",
    "Waiting",
]
