"""The texts of a letter as a delivery froze them: which of them its package holds, and under which names.

A text is what its digest says: published twice within a revision, it is one text. A corrected translation is a further
text of its revision, so language and revision together may name several.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from signatures.models import Delivery
from signatures.values import signed_texts

type Text = dict[str, Any]  # as `Delivery.texts` stores it, with what is said below


def each_once(texts: Iterable[Mapping[str, Any]]) -> list[Text]:
    """Returns each text once, by revision and language, in the order in which they were published last.

    `ordinal` numbers the texts of one language and revision from 1; it is 0 where there is one alone.
    """
    found: dict[tuple[Any, ...], Text] = {}
    for text in texts:
        former = found.pop(_identity(text), None)  # the later one takes the later place
        found[_identity(text)] = dict(text)
        if former and "signed" in text:
            found[_identity(text)]["signed"] = former["signed"] or text["signed"]
    ordered: list[Text] = []
    for _revision_and_language, same in groupby(sorted(found.values(), key=_place), key=_place):
        alike = list(same)
        ordered += ({**text, "ordinal": at if len(alike) > 1 else 0} for at, text in enumerate(alike, start=1))
    return ordered


def newest(texts: Iterable[Mapping[str, Any]]) -> dict[str, Text]:
    """Returns the newest text of each language: of its newest revision, the one that was published last."""
    return {text["language"]: text for text in each_once(texts)}


def main_text(texts: Iterable[Mapping[str, Any]]) -> Text:
    """Returns the authoritative text of the newest revision, else its English one, else its first."""
    of_languages = sorted(newest(texts).values(), key=lambda text: text["language"])
    last = max(text["revision"] for text in of_languages)
    of_last = (text for text in of_languages if text["revision"] == last)
    return min(of_last, key=lambda text: (not text["authoritative"], text["language"] != "en"))


def printed(delivery: Delivery) -> int | None:
    """Returns the number of the text that the PDF of the package has, if it is known which texts were frozen."""
    return main_text(delivery.texts)["revision"] if delivery.texts else None


def of_other_texts(delivery: Delivery) -> dict[int, int]:
    """Returns how many signatures are of each other text than the printed one, by its number."""
    shown = printed(delivery)
    return {} if shown is None else signed_texts.of_other_texts(delivery.counts["revisions"], shown)


def in_package(delivery: Delivery) -> list[Text]:
    """Returns the texts that the package holds, each with its `file`, in their order.

    They are those of the statement, which never changes. Before it is made, they are the newest of each language and
    each that was signed.
    """
    if delivery.has_statement:
        frozen = {_identity(text): text for text in each_once(delivery.texts)}
        stated = delivery.claims["texts"]
        held = [{**frozen[_identity(text, digest=text["sha256"])], "file": text["file"]} for text in stated]
        return _told_apart(held)
    texts = delivery.texts
    if any("signed" not in text for text in texts):  # frozen before that was kept: each text that it may have been
        rows = set(delivery.rows.order_by().values_list("language", "revision").distinct())
        texts = [{**text, "signed": (text["language"], text["revision"]) in rows} for text in texts]
    return of_package(texts)


def of_package(texts: Iterable[Mapping[str, Any]]) -> list[Text]:
    """Returns the texts that a package of these would hold."""
    return _told_apart(list(with_files(texts)))


def with_files(texts: Iterable[Mapping[str, Any]]) -> Iterator[Text]:
    """Yields the texts that a package holds, with their file: the newest of each language, and each that was signed.

    The last text of an earlier revision has the revision in its name; one that was corrected within its revision has
    its ordinal, too.
    """
    newest_first = sorted(each_once(texts), key=lambda text: (text["language"], -text["revision"], -text["ordinal"]))
    for language, of_language in groupby(newest_first, key=lambda text: text["language"]):
        former = None  # the revision of the text before
        for text in of_language:
            revision = text["revision"]
            name = language if former is None else f"{language}-{revision}"
            name = f"{name}-{text['ordinal']}" if revision == former else name
            if former is None or text["signed"]:
                yield {**text, "file": f"texts/{name}.txt"}
            former = revision


def _told_apart(texts: list[Text]) -> list[Text]:
    """Returns the texts, without the ordinal of each that is alone among them in its language and revision."""
    number = Counter(map(_place, texts))
    return [text if number[_place(text)] > 1 else {**text, "ordinal": 0} for text in texts]


def _identity(text: Mapping[str, Any], *, digest: str = "") -> tuple[Any, ...]:
    return text["language"], text["revision"], digest or text["digest"]


def _place(text: Mapping[str, Any]) -> tuple[int, str]:
    return text["revision"], text["language"]
