"""The rows of the people who sign: signatures, mails to them, and what was done with them."""

from signatures.models.delivery import Delivered, Delivery, Erratum
from signatures.models.desk import Block, Bucket, Limit, Question, RejectionReason
from signatures.models.invalidation import InvalidatedRow, Invalidation
from signatures.models.mail import Mail, MailSubject, Silence
from signatures.models.paper import PaperImport
from signatures.models.picture import Activity, Alarm, Tally
from signatures.models.signature import (
    Audience,
    Grams,
    Kind,
    Notable,
    Report,
    Signature,
    SignatureQuerySet,
    SignedLetter,
    State,
    Tombstone,
    Waiting,
)
from signatures.models.trail import Seal, TrailEntry

__all__ = [
    "Activity",
    "Alarm",
    "Audience",
    "Block",
    "Bucket",
    "Delivered",
    "Delivery",
    "Erratum",
    "Grams",
    "InvalidatedRow",
    "Invalidation",
    "Kind",
    "Limit",
    "Mail",
    "MailSubject",
    "Notable",
    "PaperImport",
    "Question",
    "RejectionReason",
    "Report",
    "Seal",
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
