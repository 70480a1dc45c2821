"""The privacy notice of a letter has each point of Article 13(1) and (2) of the GDPR, from the letter's own fields."""

import pytest
from django.test import Client

from campaign.models import Letter, PrivacyText

pytestmark = pytest.mark.django_db
OWN = {"organization_name": "Harbor Orchestra", "contact_email": "privacy@orchestra.example"}
# Point, and what is on the page because of it.
POINTS = {
    "13(1)(a) who is responsible, and how to reach them": ("Harbor Orchestra", "mailto:privacy@orchestra.example"),
    "13(1)(b) the data protection officer": ("data protection officer",),
    "13(1)(c) purposes and legal basis": ("to show how many people support the letter", "Article 6(1)(a)"),
    "13(1)(d) legitimate interests": ("Article 6(1)(f)", "a list that everybody can trust"),
    "13(1)(e) recipients": ("Minister of Bridges", "whoever runs our server and sends our email"),
    "13(1)(f) other countries": ("can be read in every country", "less than the GDPR does"),
    "13(2)(a) how long": ("How long", "12 months", "60 days after you confirm"),
    "13(2)(b) access, correction, erasure, restriction, objection, to take it elsewhere": (
        "shows what is stored", "correct it", "erase it", "restrict it", "object to the use", "take it elsewhere",
    ),
    "13(2)(c) withdrawal of consent": ("withdraw your consent at any time",),
    "13(2)(d) complaint": ("complain to a supervisory authority",),
    "13(2)(e) whether one must": ("Nobody has to sign", "no law or contract", "Without an email address"),
    "13(2)(f) decisions by programs": ("No program alone refuses a signature",),
}  # fmt: skip


def page_of(client: Client) -> str:
    return " ".join(client.get("/letters/bridge/privacy/").content.decode().split())


@pytest.mark.parametrize("point", POINTS)
def test_P13_the_privacy_notice_has_the_point(client: Client, letter: Letter, point: str) -> None:
    Letter.objects.update(**OWN)
    assert [words for words in POINTS[point] if words not in page_of(client)] == []


def test_P13_own_paragraphs_take_no_point_away(client: Client, letter: Letter) -> None:
    Letter.objects.update(**OWN)
    PrivacyText.objects.create(letter=letter, language="en", **dict.fromkeys(PrivacyText.PARAGRAPHS, "Our own words."))
    page = page_of(client)
    of_letter = {"13(1)(c) purposes and legal basis", "13(1)(f) other countries"}  # these the organization wrote itself
    missing = {point for point, words in POINTS.items() if any(each not in page for each in words)}
    assert page.count("Our own words.") == 4 and missing == of_letter
