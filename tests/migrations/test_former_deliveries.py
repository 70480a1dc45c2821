"""A delivery that version 0.9 made is migrated: its page stays, its proof stays as it was, and nothing of it is made anew."""

import hashlib

import psycopg2
import pytest
from psycopg2.extras import Json

from tests.migrations.old_site import OldSite

pytestmark = pytest.mark.xdist_group("migrations")
BEFORE = ("signatures", "0038_count_paper_apart")
SALT = b"s" * 32
ROW = b'["1","person","Ada","","","","2026-11-27","en","1"]'
LEAF = hashlib.sha256(b"\0" + SALT + ROW).digest()
FILES = {"signatories.csv": "ab" * 32, "bridge-1.zip": "cd" * 32}
COUNTS = {
    "delivered": 1, "named": 1, "counted_only": 0, "waiting": 0, "withdrawn": 0, "rejected": 0, "public_count": 1,
    "organizations": 0, "paper": 0, "revisions": {"1": 1}, "since": None, "added": 0, "gone": 0, "errata": {},
}  # fmt: skip
MADE_BY = "a delivery that version 0.9 of this program made"
SHOWN = """
from django.test import Client
from signatures.delivery import building, reconciliation, receipts
from signatures.models import Delivery
delivery = Delivery.objects.get()
page = Client(headers={"host": "localhost"}).get("/deliveries/bridge/1/").content.decode()
print(delivery.is_former, delivery.has_statement, repr(delivery.digest), delivery.package)
print("made by version 0.9 of this program" in page, all(digest in page for digest in delivery.files.values()))
print([str(check) for check in reconciliation.check_delivered() if not check.holds])
try:
    receipts.parse('{"format":1}')
except receipts.InvalidReceipt as error:
    print(error)
"""


@pytest.fixture
def delivered(site: OldSite) -> OldSite:
    site.migrate(BEFORE)
    ada = site.add(
        "signatures_signature", letter_id=1, translation_id=1, kind="person", language="en", visibility="public",
        name="Ada", state="approved", paper=True, place=1, confirmed_at="2026-11-27T12:00:00Z",
        approved_on="2026-11-27", name_key="ada", sort_key="ada",
    )  # fmt: skip
    delivery = site.add(
        "signatures_delivery", letter_id=1, number=1, state="ready", reason="x", order="name", texts=Json([]),
        counts=Json(COUNTS), root=LEAF.hex(), files=Json(FILES), frozen_at="2026-11-27T12:00:00Z",
    )  # fmt: skip
    site.add(
        "signatures_deliveryentry", delivery_id=delivery, place=0, number=1, signature_id=ada, kind="person", name="Ada",
        language="en", revision=1, signed_on="2026-11-27", on_paper=True, salt=SALT, leaf=LEAF,
    )  # fmt: skip
    return site


def test_O8_a_delivery_of_version_0_9_stays_readable_and_says_what_checks_it(delivered: OldSite) -> None:
    before = delivered.sql("SELECT root, files, counts FROM signatures_delivery")

    delivered.migrate()

    assert delivered.sql("SELECT root, files, counts FROM signatures_delivery") == before
    assert delivered.run(SHOWN).splitlines() == [
        "True False '' bridge-1.zip",
        "True True",
        "['bridge-1, the package is there: no instead of yes']",
        f"This receipt is of {MADE_BY}. The program in READ-ME.txt of its package checks it.",
    ]
    assert delivered.sql("SELECT source, on_paper, visibility FROM signatures_deliveryentry") == [("", True, "")]


def test_O8_what_it_holds_stays_frozen_and_the_code_before_works_on(delivered: OldSite) -> None:
    delivered.migrate()
    for refused in (
        "UPDATE signatures_delivery SET statement = 'x'",
        "UPDATE signatures_delivery SET signature = 'x'",
        "UPDATE signatures_delivery SET format = 2",
        "UPDATE signatures_deliveryentry SET source = 'web'",
        "UPDATE signatures_deliveryentry SET on_paper = false",
        "UPDATE signatures_deliveryentry SET visibility = 'public'",
    ):
        with pytest.raises(psycopg2.IntegrityError):
            delivered.sql(refused)
    delivered.sql("UPDATE signatures_deliveryentry SET name = '', salt = NULL, signed_on = NULL")
    delivered.add(  # as the former code does, while the new one migrates
        "signatures_delivery", letter_id=1, number=2, state="frozen", reason="x", order="name", texts=Json([]),
        counts=Json(COUNTS),
    )  # fmt: skip
    assert delivered.sql("SELECT number, format FROM signatures_delivery ORDER BY 1") == [(1, 1), (2, 1)]


def test_O8_and_back_again(delivered: OldSite) -> None:
    delivered.migrate()
    delivered.migrate(BEFORE)
    assert delivered.sql("SELECT root FROM signatures_delivery") == [(LEAF.hex(),)]
    assert delivered.sql("SELECT on_paper FROM signatures_deliveryentry") == [(True,)]
    with pytest.raises(psycopg2.IntegrityError):
        delivered.sql("UPDATE signatures_delivery SET files = '{}'")
    with pytest.raises(psycopg2.IntegrityError):
        delivered.sql("UPDATE signatures_deliveryentry SET name = 'Eve'")
