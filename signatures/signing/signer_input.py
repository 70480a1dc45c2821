"""What a signer typed, as the signing actions take it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from campaign.models import Letter, Translation
from signatures.models import Signature
from signatures.states import Visibility
from signatures.values import names
from signatures.values.normalization import name_key, search_text


@dataclass(frozen=True, slots=True)
class SignerInput:
    """What somebody put under a letter: the words, who may read them, under which text."""

    translation: Translation
    kind: str
    name: str
    role: str
    organization: str
    country: str
    comment: str
    visibility: str
    language: str
    flags: Sequence[str] = ()
    spokesperson: str = ""

    def stored_words(self) -> dict[str, str]:
        """Returns the words to be stored: none when the signer asks to be counted without a name."""
        if self.visibility == Visibility.COUNTED:
            return dict.fromkeys(Signature.WORDS, "")
        return {field: getattr(self, field) for field in Signature.WORDS}

    def is_approved_unless_flagged(self) -> bool:
        """Returns whether nobody has to read this first, as long as it has no flag."""
        return (
            self.visibility == Visibility.COUNTED
            or self.translation.revision.letter.moderation == Letter.Moderation.AFTER
        )


def derived_fields(words: Mapping[str, str]) -> dict[str, str]:
    """Returns the columns by which confirmed words are compared, sorted and searched."""
    name = words["name"]
    return {
        "name_key": name_key(name),
        "sort_key": names.sort_key(name),
        "search_text": search_text(name, words["organization"]),
    }
