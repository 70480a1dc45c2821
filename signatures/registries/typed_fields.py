"""The fields of the signing form that become columns of a signature.

The forms, the statements that store a submission, the personal data file, blanking, database constraints, the page of
staff and made-up signatures derive from `TYPED_FIELDS`. To add a field: an entry here, a column of the same name on
`Signature` with its migration, and a form field with its label on `SignerForm`.
"""

from dataclasses import dataclass
from enum import Enum


class Until(Enum):
    """Until when a confirmed signature holds a value. Erasing deletes the whole row."""

    COUNTED_ONLY = "blank when the signer asks to be counted without a name, and after withdrawal"
    WITHDRAWN = "blank after withdrawal"
    ERASED = "kept with the row"


@dataclass(frozen=True, slots=True)
class TypedField:
    """One field that a signer fills in.

    Attributes:
        name: the column, the form field and the key in the personal data file.
        max_length: in characters, after cleaning.
        until: when it is blanked.
        is_delivered: whether the delivery and the public list hold it. Everything else is read by staff alone.
    """

    name: str
    max_length: int
    until: Until = Until.COUNTED_ONLY
    is_delivered: bool = False


TYPED_FIELDS = (
    TypedField("kind", 12, Until.ERASED, is_delivered=True),
    TypedField("visibility", 10, Until.ERASED),
    TypedField("name", 200, is_delivered=True),
    TypedField("spokesperson", 200),
    TypedField("role", 200, is_delivered=True),
    TypedField("organization", 200, is_delivered=True),
    TypedField("country", 2, Until.WITHDRAWN, is_delivered=True),
    TypedField("comment", 1000),
)

TYPED_NAMES = tuple(field.name for field in TYPED_FIELDS)
BESIDE_NAME = tuple(name for name in TYPED_NAMES if name not in {"kind", "visibility", "name"})
# What is typed freely. Blank wherever there may be no name.
WORDS = tuple(field.name for field in TYPED_FIELDS if field.until == Until.COUNTED_ONLY)
BLANKED_ON_WITHDRAWAL = tuple(field.name for field in TYPED_FIELDS if field.until != Until.ERASED)
DELIVERED = tuple(field.name for field in TYPED_FIELDS if field.is_delivered)
BLANKED_IN_DELIVERIES = tuple(name for name in DELIVERED if name in BLANKED_ON_WITHDRAWAL)  # when a signer is erased
MAX_LENGTHS = {field.name: field.max_length for field in TYPED_FIELDS}

# Columns made of the words on confirmation (`names.search_columns`) and blanked with them.
DERIVED_FROM_WORDS = ("name_key", "sort_key", "search_text")
