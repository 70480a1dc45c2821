"""The page about the drills adds up: its tables are made by hand, at several commits."""

import re

from tests.docs.pages import DOCS

PAGE = (DOCS / "develop" / "drills.md").read_text()


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def number(words: str) -> int:
    return int(words.replace(",", ""))


def test_the_totals_are_the_sums_of_the_tables() -> None:
    rows = [cells(line) for line in PAGE.splitlines() if re.match(r"\|.*\| site \|", line)]
    soak = re.search(r"\| sign-ups acknowledged, lost \| ([\d,]+), 0 \|", PAGE)
    confirmed = re.search(r"\| confirmations acknowledged, lost \| ([\d,]+), 0;", PAGE)
    assert len(rows) > 30 and soak and confirmed
    after_site = [row[row.index("site") + 1 :] for row in rows]  # sent, acknowledged, unknown, lost, doubled, …
    assert all(row[3] == "0" for row in after_site), "the site lost nothing"
    acknowledged = sum(number(row[1]) for row in after_site) + number(soak[1])
    said = f"{acknowledged:,} sign-ups and {confirmed[1]} confirmations were acknowledged on the site"
    assert said in " ".join(PAGE.split())
