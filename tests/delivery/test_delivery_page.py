"""Anybody can see what was delivered and check a receipt or a file; each signer finds their own receipt."""

import html
import json
import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.db import connection
from django.test import Client

from campaign.models import Letter
from campaign.web import middleware
from signatures.audit import audit_log
from signatures.delivery import building, freezing, merkle, receipts
from signatures.models import AuditEntry, Delivery, DeliveryEntry, Signature
from signatures.moderation import decisions
from signatures.registries import AuditAction
from signatures.signing import withdrawal
from signatures.states import Kind, State, Visibility
from signatures.values import tokens
from tests import single_decisions
from tests.delivery.factories import day_of, make_delivery, make_files, shown_day_of
from tests.factories import make_many, make_signature
from tests.languages import PREFIXES

pytestmark = pytest.mark.django_db
PAGE = "/deliveries/bridge/1/"


class Method(NamedTuple):
    """How many of four signatures were given on paper, and decided on by a person."""

    paper: int
    looked_at: int


@pytest.fixture
def zoya(letter: Letter) -> Signature:
    """Named in the delivery only."""
    return make_signature(letter, "Зоя Космодемьянская", visibility=Visibility.DELIVERY, country="UA", role="Teacher")


@pytest.fixture
def counted_only(letter: Letter) -> Signature:
    """Counted only."""
    return make_signature(letter, "", visibility=Visibility.COUNTED)


@pytest.fixture
def delivery(letter: Letter, ada: Signature, zoya: Signature, counted_only: Signature) -> Delivery:
    make_many(letter, 3)
    make_signature(letter, "Waiting Canary", State.WAITING)
    make_signature(letter, "Rejected Canary", State.REJECTED)
    return make_delivery(letter)


def hand_over(delivery: Delivery) -> Delivery:
    fields = {"to": "The Embassy of Bridges", "at": "Washington", "note": "Canary note for staff"}
    return freezing.hand_over(delivery, by=None, on=day_of(delivery), **fields)


def receipt_of(signature: Signature) -> receipts.Receipt:
    return receipts.issue(DeliveryEntry.objects.select_related("delivery__letter").get(signature_id=signature.pk))


def personal_page(signature: Signature) -> str:
    return f"/signature/{tokens.personal_token(signature.public_id)}/"


def paste(client: Client, text: str, page: str = PAGE, **headers: str) -> Any:
    return client.post(page, {"proof": text}, headers=headers)


# The page


def test_the_page_names_organizations_apart_from_people(client: Client, letter: Letter, ada: Signature) -> None:
    make_signature(letter, "Bund", kind=Kind.ORGANIZATION)
    make_many(letter, 2)
    make_delivery(letter)
    words = " ".join(re.sub(r"<[^>]+>", "", client.get(PAGE).content.decode()).split())
    assert "1 organization and 3 people have signed 4 signatures. 4 are named in the letter." in words


def test_the_page_shows_counts_digests_editions_and_what_they_prove(client: Client, delivery: Delivery) -> None:
    page = client.get(PAGE).content.decode()
    words = " ".join(re.sub(r"<[^>]+>", "", page).split())
    assert "6 signatures. 5 are named in the letter. 1 asked to be counted without a name." in words
    assert "0 withdrew. 1 was not accepted. 1 was still waiting." in words
    assert "have signed" not in words, "said only where organizations have signed, too"
    assert "Ready, and not handed over yet." in words
    edition = delivery.editions.get()
    digests = (delivery.digest, edition.package, edition.digest, *edition.files.values())
    for digest in (*digests, delivery.root, delivery.texts[0]["digest"]):
        assert digest in page
    for name in (
        "letter-with-signatories.pdf",
        "signatories.csv",
        "leaves.csv",
        "texts/en.txt",
        "statement.json",
        "files.json",
        "READ-ME.txt",
        "bridge-1.zip",
    ):
        assert name in page
    assert len(re.findall(r'<ol class="proofs">.*</ol>', page, re.DOTALL)[0].split("<li>")) == 6, "five sentences"


@pytest.mark.parametrize("language", PREFIXES)
def test_the_page_exists_in_every_language_and_can_be_cached(client: Client, delivery: Delivery, language: str) -> None:
    answer = client.get(language + PAGE)
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "public, max-age=5, stale-while-revalidate=5, stale-if-error=60"
    assert not answer.cookies and "ETag" in answer


def test_P1_the_page_names_nobody_and_shows_days_only(client: Client, delivery: Delivery) -> None:
    hand_over(delivery)
    page = client.get(PAGE).content.decode()
    for word in ("Ada", "Зоя", "Teacher", "Signer", "Canary", "for a test"):
        assert word not in page
    assert not re.search(r"\d\d:\d\d", page)
    salts = DeliveryEntry.objects.values_list("salt", flat=True)
    assert not [salt for salt in salts if bytes(salt or b"").hex() in page]


def test_after_handing_over_the_page_shows_when_where_and_to_whom(client: Client, delivery: Delivery) -> None:
    hand_over(delivery)
    page = client.get(PAGE).content.decode()
    assert f"Handed over on {shown_day_of(delivery)} to The Embassy of Bridges." in page and "Place: Washington" in page
    assert "Acknowledged" not in page and "Canary note" not in page
    freezing.acknowledge(delivery, by=None, on=day_of(delivery))
    middleware.page_cache.clear()
    assert f"Acknowledged on {shown_day_of(delivery)}." in client.get(PAGE).content.decode()


def test_errata_are_numbers(client: Client, delivery: Delivery, ada: Signature, zoya: Signature) -> None:
    hand_over(delivery)
    assert "Errata" not in client.get(PAGE).content.decode()
    withdrawal.withdraw(ada)
    withdrawal.erase(zoya)
    middleware.page_cache.clear()
    page = client.get(PAGE).content.decode()
    assert "Errata" in page and "No. 1<" in page and "No. 2<" in page and "No. 3<" not in page


def test_E13_the_page_says_of_errata_what_is_true_of_each_kind(
    client: Client, delivery: Delivery, ada: Signature, counted_only: Signature
) -> None:
    """Of a rejection that was undone, and of somebody who is counted without a name."""
    hand_over(delivery)
    single_decisions.reject(ada, by=1, reason="a doubt")
    decisions.undo(ada, by=1)
    withdrawal.withdraw(counted_only)
    middleware.page_cache.clear()
    page = client.get(PAGE).content.decode()
    assert "No. 2<" in page and Signature.objects.deliverable().filter(pk=ada.pk).exists()
    assert (
        "Each number stands for a signature that was taken back, erased or rejected after the list was frozen. A "
        "rejection may have been undone since. This page does not say whose it was."
    ) in page


def test_a_second_delivery_shows_the_changes_since_the_first(
    client: Client, letter: Letter, delivery: Delivery
) -> None:
    make_many(letter, 2)
    make_delivery(letter)
    assert "Since delivery No. 1: 2 more, 0 gone." in client.get("/deliveries/bridge/2/").content.decode()


@pytest.mark.parametrize("state", ["frozen", "void"])
def test_a_delivery_that_is_not_ready_or_void_is_not_found(client: Client, delivery: Delivery, state: str) -> None:
    Delivery.objects.update(state=state, void_reason="by mistake")
    assert client.get(PAGE).status_code == paste(client, "x").status_code == 404


@pytest.mark.parametrize(
    "page",
    [
        "/deliveries/bridge/2/",
        "/deliveries/other/1/",
        "/deliveries/bridge/0/",
        f"/deliveries/bridge/{'9' * 30}/",
        f"/deliveries/bridge/{'9' * 5000}/",
    ],
)
def test_an_unknown_delivery_is_not_found(client: Client, delivery: Delivery, page: str) -> None:
    assert client.get(page).status_code == 404


@pytest.mark.parametrize("page", ["/letters/bridge/", "/letters/bridge/history/", "/letters/bridge/signatories/"])
def test_letter_history_and_public_list_link_to_the_deliveries(client: Client, delivery: Delivery, page: str) -> None:
    assert f'<a href="{PAGE}">Delivery No. 1</a>' in client.get(page).content.decode()
    hand_over(delivery)
    middleware.page_cache.clear()
    assert f"Delivery No. 1, handed over on {shown_day_of(delivery)}" in client.get(page).content.decode()
    Delivery.objects.update(state="void", void_reason="by mistake")
    middleware.page_cache.clear()
    assert "Delivery No. 1" not in client.get(page).content.decode()


# Checking a receipt or a digest


def test_a_valid_receipt_is_confirmed_with_its_words(client: Client, delivery: Delivery, zoya: Signature) -> None:
    receipt = receipt_of(zoya)
    assert receipt.row is not None
    answer = paste(client, str(receipt))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "It is part of this delivery" in page and f"for number {receipt.row[0]} in this delivery" in page
    assert '<bdi translate="no" lang="uk">Зоя Космодемьянская</bdi>' in page and "Ukraine" in page
    assert answer["Cache-Control"] == "no-store"


def test_a_valid_receipt_of_somebody_counted_only_is_confirmed_without_words(
    client: Client, delivery: Delivery, counted_only: Signature
) -> None:
    page = paste(client, str(receipt_of(counted_only))).content.decode()
    assert "It is part of this delivery" in page and "counted without a name" in page


def _cut(text: str) -> list[str]:
    return [text[at : at + 76] for at in range(0, len(text), 76)]


def _at_spaces(text: str, **options: Any) -> list[str]:
    """Returns the lines of a program that breaks at spaces, which the line end stands for."""
    return textwrap.wrap(text, 76, break_on_hyphens=False, **options)


@pytest.mark.parametrize(
    "wrap",
    [
        _cut,
        lambda text: _at_spaces(text, break_long_words=False),
        lambda text: _at_spaces(text, break_long_words=True),
        lambda text: [f"{line} " for line in _at_spaces(text, break_long_words=False)],  # format=flowed
    ],
    ids=["inside_words", "at_spaces", "at_spaces_and_inside_long_words", "behind_spaces"],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_receipt_broken_into_lines_by_an_email_program_is_valid(
    client: Client, letter: Letter, wrap: Callable[[str], list[str]], line_end: str
) -> None:
    role = "Member of the board of the society for bridges and for all who have to cross them by night"
    ada = make_signature(letter, "Ada Augusta King-Noel, Countess of Lovelace", role=role)
    make_delivery(letter)
    receipt = receipt_of(ada)
    broken = line_end.join(wrap(str(receipt)))
    answer = paste(client, f"\n {broken}\n")
    assert answer.status_code == 200 and answer.context["form"].receipt == receipt


def test_words_of_a_broken_receipt_are_not_taken_for_those_of_its_owner(
    client: Client, letter: Letter, delivery: Delivery, zoya: Signature
) -> None:
    """Whatever the line ends stand for: the leaf decides."""
    words = str(receipt_of(zoya)).replace("Зоя Космодемьянская", "Зоя\nКосмодемьянска\nя")
    answer = paste(client, words)
    assert answer.status_code == 422 and "do not lead to the root" in answer.content.decode()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"row": ["4", "person", "Somebody Else", "", "", "", "", "en", "1", "web"]}, "do not lead to the root"),
        ({"place": 0}, "do not lead to the root"),
        ({"statement": {"list": {"leaves": 6, "root": "ab" * 32}}}, "belongs to another delivery"),
        ({"format": 1}, "The program in READ-ME.txt of its package checks it."),
        ({"sugar": "ab" * 32}, "not look like a receipt from this site"),
        ("Hello <b>", "not the whole receipt"),
        ("  ", "Please paste a receipt or a SHA-256."),
        ("{" * (receipts.MAX_LENGTH + 1), "too long for a receipt"),
        ("[" * 19_000, "not the whole receipt"),
    ],
)
def test_an_invalid_proof_is_an_error_with_its_reason_and_keeps_what_was_typed(
    client: Client, delivery: Delivery, zoya: Signature, change: Any, why: str
) -> None:
    whole = json.loads(str(receipt_of(zoya)))
    text = change if isinstance(change, str) else json.dumps({**whole, **change})
    answer = paste(client, text)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert why in page and 'role="alert"' in page and 'class="valid"' not in page
    assert answer.context["form"]["proof"].value() == text
    assert html.escape(text.strip()) in page


def test_a_receipt_is_invalid_for_the_next_delivery(
    client: Client, letter: Letter, delivery: Delivery, ada: Signature
) -> None:
    receipt = str(receipt_of(ada))
    make_delivery(letter)
    assert paste(client, receipt, "/deliveries/bridge/2/").status_code == 422
    assert paste(client, receipt).status_code == 200


@pytest.mark.parametrize(
    "write",
    [
        str,
        str.upper,
        lambda digest: f"{digest}  letter.pdf",
        lambda digest: " ".join(re.findall("..", digest)),
        lambda digest: f"\n{digest}\n",
    ],
)
def test_a_sha256_is_confirmed_with_the_name_of_its_file(client: Client, delivery: Delivery, write: Any) -> None:
    for name, digest in delivery.editions.get().digests(delivery.package):
        answer = paste(client, write(digest))
        others = {"statement.json": "the statement: this is the digest", "texts/en.txt": "the text of revision 1"}
        expected = others.get(name, f"{name} of edition 1")
        assert answer.status_code == 200 and f"file: {expected}" in answer.content.decode()


def test_a_copy_of_a_former_edition_is_recognized_after_an_erasure(
    client: Client, delivery: Delivery, zoya: Signature, tmp_path: Path
) -> None:
    withdrawal.erase(zoya)
    make_files(delivery, tmp_path)
    first, second = delivery.editions.all()
    assert (second.reason, second.erased, second.files["signatories.csv"]) != (
        first.reason, first.erased, first.files["signatories.csv"],
    )  # fmt: skip
    for edition in (first, second):
        for name in ("signatories.csv", "leaves.csv"):
            assert f"{name} of edition {edition.number}" in paste(client, edition.files[name]).content.decode()
        assert f"bridge-1.zip of edition {edition.number}" in paste(client, edition.package).content.decode()
    page = " ".join(re.sub(r"<[^>]+>", "", client.get(PAGE).content.decode()).split())
    assert "made anew, because somebody had their data erased (1 row without its words)" in page
    assert "made for the first time" in page


@pytest.mark.parametrize("method", [Method(paper=0, looked_at=0), Method(paper=2, looked_at=3)])
def test_E13_the_page_says_no_more_than_the_statement_does(client: Client, letter: Letter, method: Method) -> None:
    for number in range(4):
        is_paper = number < method.paper
        more: dict[str, Any] = {"address_hash": None} if is_paper else {}
        made = make_signature(letter, f"Signer {number}", paper=is_paper, **more)
        if number < method.looked_at:
            audit_log.record(
                AuditAction.APPROVE,
                staff_id=1,
                letter_id=letter.pk,
                signature_id=made.pk,
                was="waiting",
                now="approved",
            )
    make_delivery(letter)
    words = " ".join(re.sub(r"<[^>]+>", "", client.get(PAGE).content.decode()).split())
    assert f"{4 - method.paper} were confirmed by a link sent by email." in words
    assert ("were given on paper" in words) is bool(method.paper)
    assert ("No person decided on any of them." in words) is not method.looked_at
    if method.looked_at:
        assert f"A person decided on {method.looked_at} of them." in words


def test_the_leaves_of_all_signatures_are_public_without_numbers_and_salts(
    client: Client, delivery: Delivery, ada: Signature
) -> None:
    answer = client.get(f"{PAGE}leaves.csv")
    assert answer["Content-Disposition"] == 'attachment; filename="bridge-1-leaves.csv"'
    head, *leaves = b"".join(answer).decode().split()
    assert (head, len(leaves)) == ("leaf", 6)
    assert merkle.build_tree(map(bytes.fromhex, leaves)).root.hex() == delivery.root
    receipt = receipt_of(ada)
    assert leaves[receipt.place] == receipts.leaf_hash(bytes.fromhex(receipt.salt), receipt.row).hex()
    assert client.post(f"{PAGE}leaves.csv").status_code == 405


def test_a_delivery_of_version_0_9_stays_readable(client: Client, letter: Letter, ada: Signature) -> None:
    """Its leaves and its package are of format 1, which that version checks, and the program in its READ-ME.txt."""
    files = {"signatories.csv": "ab" * 32, "bridge-1.zip": "cd" * 32}
    delivery = freezing._freeze(letter, None, "for a test")
    with connection.cursor() as cursor:  # as the migration leaves them
        cursor.execute("SET LOCAL session_replication_role = replica")
        Delivery.objects.update(format=1, method={}, root="ef" * 32, files=files, state="ready")
        cursor.execute("SET LOCAL session_replication_role = origin")
    page = client.get(PAGE).content.decode()
    assert "ef" * 32 in page and "cd" * 32 in page and "signatories.csv" in page
    assert "made by version 0.9 of this program" in page and "The digest of this delivery" not in page
    assert "file: signatories.csv" in paste(client, "ab" * 32).content.decode()
    assert "Delivery No. 1" in client.get(personal_page(ada)).content.decode()
    building.build(delivery.pk)
    assert Delivery.objects.get().failure == "FormerFormat"


def test_the_root_and_the_digest_of_a_text_are_confirmed(client: Client, delivery: Delivery) -> None:
    assert "the root of all leaves" in paste(client, delivery.root).content.decode()
    assert "the text of revision 1 (English)" in paste(client, delivery.texts[0]["digest"]).content.decode()


def test_an_unknown_sha256_is_an_error(client: Client, delivery: Delivery) -> None:
    answer = paste(client, "ab" * 32)
    assert answer.status_code == 422
    assert (
        "not the SHA-256 of a file in this delivery" in answer.content.decode() and "ab" * 32 in answer.content.decode()
    )


def test_S25_a_post_from_another_site_is_refused(client: Client, delivery: Delivery) -> None:
    assert paste(client, delivery.root, **{"sec-fetch-site": "cross-site"}).status_code == 403


def test_other_methods_are_refused_and_no_request_changes_anything(
    client: Client, delivery: Delivery, ada: Signature, django_assert_num_queries: Any
) -> None:
    before = list(Delivery.objects.values()), list(Signature.objects.values()), AuditEntry.objects.count()
    assert client.put(PAGE).status_code == client.delete(PAGE).status_code == 405
    client.head(PAGE)
    paste(client, str(receipt_of(ada)))
    assert (list(Delivery.objects.values()), list(Signature.objects.values()), AuditEntry.objects.count()) == before
    client.get(PAGE)
    with django_assert_num_queries(0):
        client.get(PAGE)


@pytest.mark.parametrize("nasty", ["<script>alert(1)</script>", '"><img src=x>', "\u202e", "\x00", "'", "{{7*7}}"])
def test_S14_what_is_pasted_is_inert(client: Client, letter: Letter, delivery: Delivery, nasty: str) -> None:
    page = paste(client, nasty).content.decode()
    assert "<script>alert" not in page and "<img" not in page
    trap = make_signature(letter, f"<i>{nasty}</i>".replace("\x00", ""))
    second = make_delivery(letter)
    row = DeliveryEntry.objects.select_related("delivery__letter").get(delivery=second, signature_id=trap.pk)
    page = paste(client, str(receipts.issue(row)), "/deliveries/bridge/2/").content.decode()
    assert "It is part of this delivery" in page and "<i>" not in page and "<script>alert" not in page


# The personal page


def test_E7_a_signer_finds_the_delivery_and_the_receipt_on_the_personal_page(
    client: Client, delivery: Delivery, zoya: Signature
) -> None:
    page = client.get(personal_page(zoya)).content.decode()
    receipt = receipt_of(zoya)
    assert receipt.row is not None
    assert f'<a href="{PAGE}">Delivery No. 1</a>' in page and f"you are number {receipt.row[0]}" in page
    assert receipt.statement["list"]["root"] in page and receipt.salt in page and "(ready)" in page

    answer = client.post(personal_page(zoya), {"action": "receipt", "delivery": "1"})
    assert answer["Content-Type"] == "application/json"
    assert answer["Content-Disposition"] == 'attachment; filename="receipt-bridge-1.json"'
    assert answer["Cache-Control"] == "no-store"
    assert answer.content.decode() == f"{receipt}\n"
    assert paste(client, answer.content.decode()).status_code == 200


def test_somebody_counted_only_finds_the_receipt_too(
    client: Client, delivery: Delivery, counted_only: Signature
) -> None:
    page = client.get(personal_page(counted_only)).content.decode()
    assert "you are counted without your name" in page and receipt_of(counted_only).salt in page
    assert client.post(personal_page(counted_only), {"action": "receipt", "delivery": "1"}).status_code == 200


def test_the_personal_page_holds_no_words_of_others(
    client: Client, delivery: Delivery, ada: Signature, zoya: Signature
) -> None:
    page = client.get(personal_page(zoya)).content.decode()
    assert "Ada" not in page and receipt_of(ada).salt not in page


def test_deliveries_are_listed_with_their_state_newest_first(
    client: Client, letter: Letter, delivery: Delivery, ada: Signature
) -> None:
    hand_over(delivery)
    make_delivery(letter)
    page = client.get(personal_page(ada)).content.decode()
    assert page.index("Delivery No. 2") < page.index("Delivery No. 1")
    assert "(handed over)" in page and "(ready)" in page


def test_the_data_export_holds_the_deliveries(client: Client, delivery: Delivery, ada: Signature) -> None:
    (exported,) = json.loads(client.post(personal_page(ada), {"action": "data"}).content)["deliveries"]
    assert (exported["number"], exported["state"]) == (1, "ready")
    assert exported["receipt"] == json.loads(str(receipt_of(ada)))


def test_later_changes_leave_the_receipt_as_it_was_delivered(
    client: Client, delivery: Delivery, ada: Signature
) -> None:
    Signature.objects.filter(pk=ada.pk).update(name="Ada King", state=State.WAITING)
    assert "Ada Lovelace" in client.post(personal_page(ada), {"action": "receipt", "delivery": "1"}).content.decode()


@pytest.mark.parametrize("number", ["2", "0", "", "x", "1 OR 1=1", "9" * 5000])
def test_a_receipt_of_another_delivery_is_not_found(
    client: Client, delivery: Delivery, ada: Signature, number: str
) -> None:
    assert client.post(personal_page(ada), {"action": "receipt", "delivery": number}).status_code == 404


def test_somebody_who_was_not_delivered_finds_nothing(client: Client, letter: Letter, delivery: Delivery) -> None:
    late = make_signature(letter, "Late Canary")
    assert "delivered letter</h2>" not in client.get(personal_page(late)).content.decode()
    assert client.post(personal_page(late), {"action": "receipt", "delivery": "1"}).status_code == 404


def test_after_withdrawing_nothing_is_shown(client: Client, delivery: Delivery, ada: Signature) -> None:
    withdrawal.withdraw(ada)
    page = client.get(personal_page(ada)).content.decode()
    assert "Ada" not in page and "Delivery No." not in page
    assert client.post(personal_page(ada), {"action": "receipt", "delivery": "1"}).status_code == 404
    assert json.loads(client.post(personal_page(ada), {"action": "data"}).content)["deliveries"] == []


@pytest.mark.parametrize("state", ["frozen", "void"])
def test_there_is_no_receipt_of_a_delivery_that_is_not_ready_or_void(
    client: Client, delivery: Delivery, ada: Signature, state: str
) -> None:
    Delivery.objects.update(state=state, void_reason="by mistake")
    assert "Delivery No." not in client.get(personal_page(ada)).content.decode()


def test_a_broken_tree_hides_the_receipt_and_not_the_page(
    client: Client,
    delivery: Delivery,
    counted_only: Signature,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(merkle, "BLOCK_SIZE", 4)
    Delivery.objects.update(subtree_roots=bytes(32))
    answer = client.get(personal_page(counted_only))
    assert answer.status_code == 200
    assert "Delivery No. 1" in answer.content.decode() and "Download the receipt" not in answer.content.decode()
    assert (
        f"the tree of delivery {delivery.pk} is inconsistent" in caplog.text
        and counted_only.public_id.hex not in caplog.text
    )


def test_P1_canaries_of_every_state_and_visibility_appear_only_where_they_may(
    client: Client, letter: Letter, tmp_path: Path
) -> None:
    made: dict[str, Signature] = {}
    for state in State:
        for visibility in Visibility:
            for kind in Kind:
                has_words = state != State.WITHDRAWN and visibility != Visibility.COUNTED
                word = f"Canary{state}{visibility}{kind}"
                more = {"role": f"R{word}", "organization": f"O{word}", "comment": f"C{word}"} if has_words else {}
                made[word] = make_signature(letter, word, state, visibility, kind=kind, **more)
    make_delivery(letter, tmp_path)
    package = (tmp_path / "bridge-1.zip").read_bytes().decode("utf-8", "replace")
    pages = client.get(PAGE).content.decode() + client.get(f"/ko{PAGE}").content.decode()
    assert "Canary" not in pages
    for word, signature in made.items():
        is_delivered = word.startswith("Canaryapproved") and signature.visibility != Visibility.COUNTED
        for before in ("", "R", "O"):
            assert (f"{before}{word}," in package) is is_delivered, word
        assert f"C{word}" not in package
        answer = client.post(personal_page(signature), {"action": "receipt", "delivery": "1"})
        assert answer.status_code == (200 if word.startswith("Canaryapproved") else 404), word
        others = set(re.findall(r"Canary\w+", answer.content.decode())) - {word}
        assert not others and (word in answer.content.decode()) is is_delivered
