"""Files as spreadsheet programs saved them, from reports to peers of this project: what becomes of every line."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from campaign.models import Letter
from tests.paper.clerk import Clerk, fates

pytestmark = pytest.mark.django_db
TAKEN: dict[str, tuple[bytes, list[dict[str, str]]]] = {
    "blank first line": (b"\nname,country\nAnn Example,US\n", [{"name": "Ann Example", "country": "US"}]),
    "trailing empty columns": (
        b"name,country,,\nAnn Example,US,,\nBen Example,DE,,\n",
        [{"name": "Ann Example", "country": "US"}, {"name": "Ben Example", "country": "DE"}],
    ),
    "tabs": (
        b"name\tcountry\tsigned_on\nAnn Example\tUS\t2026-05-31\nBen Example\tDE\t2026-06-01\n",
        [
            {"name": "Ann Example", "country": "US", "signed_on": "2026-05-31"},
            {"name": "Ben Example", "country": "DE", "signed_on": "2026-06-01"},
        ],
    ),
    "UTF-16": (
        "name,country\nAnn Example,US\nBen Example,DE\n".encode("utf-16"),
        [{"name": "Ann Example", "country": "US"}, {"name": "Ben Example", "country": "DE"}],
    ),
    "Windows-1252": (
        "name;organization\nJürgen Müller;Universität Köln\n".encode("cp1252"),
        [{"name": "Jürgen Müller", "organization": "Universität Köln"}],
    ),
    "days before or after months, seen from the second line": (
        b"name,signed_on\nAnn Example,5/7/2013\nBen Example,5/31/2013\n",
        [{"signed_on": "2013-05-07"}, {"signed_on": "2013-05-31"}],
    ),
    "German days": (
        b"name;signed_on\nAnn Example;07.05.2013\nBen Example;31.05.2013\n",
        [{"signed_on": "2013-05-07"}, {"signed_on": "2013-05-31"}],
    ),
    "a day with a time": (b"name,signed_on\nAnn Example,2013-05-07 00:00:00\n", [{"signed_on": "2013-05-07"}]),
    "countries by name and by other codes": (
        b"name,country\nAnn Example,Germany\nBen Example,South Korea\nCem Example,UK\nDan Example,KOR\n",
        [{"country": "DE"}, {"country": "KR"}, {"country": "GB"}, {"country": "KR"}],
    ),
    "first and last name": (
        b"First Name,Last Name,Email,Country\nAnn,Example,ann@example.org,US\nBen,Example,ben@example.org,DE\n",
        [{"name": "Ann Example", "country": "US"}, {"name": "Ben Example", "country": "DE"}],
    ),
    "what looks like a formula": (
        b"name\n=cmd|run\n@handle\n+Anna\n",
        [{"name": "=cmd|run"}, {"name": "@handle"}, {"name": "+Anna"}],
    ),
}


@pytest.fixture
def clerk(officer: User) -> Clerk:
    client = Client()
    client.force_login(officer)
    return Clerk(client)


def found(line: Any) -> dict[str, str]:
    return {**line.words, "signed_on": line.signed_on}


@pytest.mark.parametrize("file", TAKEN)
def test_every_line_is_taken_with_its_letters_days_and_countries(clerk: Clerk, letter: Letter, file: str) -> None:
    content, lines = TAKEN[file]
    page = clerk.preview(letter, content)
    assert {fate for _number, fate in fates(page)} == {"accepted"}
    shown = [found(line) for line in page.context["page"]]
    assert [{name: each[name] for name in line} for each, line in zip(shown, lines, strict=True)] == lines
    assert "@example.org" not in str(shown), "an address is no part of a signature"
