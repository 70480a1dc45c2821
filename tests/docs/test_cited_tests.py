"""Tests that the documentation names exist, so that nobody is sent to a proof that is gone."""

import re

import pytest

from tests.prepared import BASE

CITED = re.compile(r"`(tests/[\w/]+\.py)(?:::(test_\w+))?`")
CITATIONS = sorted(
    {found for page in (BASE / "docs").rglob("*.md") for found in CITED.findall(page.read_text("utf-8"))}
)


def test_some_are_cited() -> None:
    assert len(CITATIONS) > 20


@pytest.mark.parametrize(("file", "name"), CITATIONS)
def test_a_test_that_the_docs_name_exists(file: str, name: str) -> None:
    assert f"def {name}" in (BASE / file).read_text("utf-8")
