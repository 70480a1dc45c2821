"""What a signer typed, as the signing actions take it."""

from collections.abc import Mapping
from dataclasses import dataclass

from campaign.models import Letter, Translation
from signatures.states import Visibility


@dataclass(frozen=True, slots=True)
class SignerInput:
    """What somebody typed under a letter.

    Attributes:
        translation: the text that was on the page.
        page_language: the language of the page around it.
        values: a cleaned value for each of `TYPED_FIELDS`; without words where somebody is counted only.
    """

    translation: Translation
    page_language: str
    values: Mapping[str, str]

    @property
    def languages(self) -> dict[str, str]:
        """The columns that say in which language it was signed: that of the text, and of the page if it differs."""
        language = self.translation.language
        return {"language": language, "page_language": self.page_language if self.page_language != language else ""}

    @property
    def is_counted_only(self) -> bool:
        return self.values["visibility"] == Visibility.COUNTED

    @property
    def needs_no_review(self) -> bool:
        """Whether the signature is approved at once, as long as it has no flag."""
        is_reviewed_after = self.translation.revision.letter.moderation == Letter.Moderation.AFTER
        return self.is_counted_only or is_reviewed_after
