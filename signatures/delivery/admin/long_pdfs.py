"""PDFs of so many names that no page can make them in time: who asks for one is told the command that does."""

import shlex

from signatures.delivery import exports, pdf

MOST_NAMES = 50_000  # in a list; the PDF took 14 seconds on two idle cores, and a busy machine takes several times that


def refusal(
    names: int, slug: str, *, reason: str, edition: exports.Edition, options: pdf.Options, delivery: int | None = None
) -> str:
    """Returns what staff are told in place of the PDF; empty if a page can make it.

    Args:
        names: in the list, also those that an edition leaves out.
        slug: the letter.
        reason: what staff typed, which the command records in the audit log as the page does.
        edition: which letter and which names they asked for.
        options: how it is set.
        delivery: the number of a frozen delivery; None: the list as it is now.
    """
    if names <= MOST_NAMES:
        return ""
    words = ["undersigned", "export_pdf", slug, "--out", "letter.pdf", f"--reason={reason}", "--paper", options.paper]
    words += ["--delivery", str(delivery)] if delivery is not None else []
    words += ["--language", ",".join(edition.languages)] if edition.languages else []
    words += ["--public"] * edition.public + ["--no-annex"] * (not options.annex) + ["--draft"] * options.draft
    return (
        f"The list has {names:,} names. A PDF of more than {MOST_NAMES:,} takes longer than a page may. "
        f"Whoever runs the site can make it there: {shlex.join(words)}"
    )
