"""From a frozen delivery an officer gets the printed copy without the annex, and a public edition for the press."""

import hashlib
import io
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from pypdf import PdfReader

from campaign.letters.publishing import publish, revise
from campaign.models import Letter
from signatures.delivery import freezing
from signatures.delivery.pdf import Record, Wording, languages
from signatures.models import AuditEntry, Delivery, DeliveryEntry, Signature
from signatures.signing import withdrawal
from signatures.states import Visibility
from tests import single_decisions
from tests.delivery.factories import make_delivery
from tests.factories import WORDS, make_signature

pytestmark = pytest.mark.django_db(transaction=True)
PUBLIC_EDITION = "Public edition. It names only those who chose to be named in public. Delivery no. 1, frozen on"
TAKEN_OUT = "[name taken out since]"


@pytest.fixture
def delivery(letter: Letter) -> Delivery:
    make_signature(letter, "Ada Lovelace")
    make_signature(letter, "Ben Brook")
    make_signature(letter, "Only Delivered", visibility=Visibility.DELIVERY)
    make_signature(letter, "", visibility=Visibility.COUNTED)
    return make_delivery(letter)


def text_of(content: bytes) -> list[str]:
    return [" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(content)).pages]


def export(out: Path, **options: Any) -> str:
    """Returns the text of the copy that the command makes of the first delivery."""
    call_command("export_pdf", "bridge", reason="a test", out=out, delivery=1, stderr=io.StringIO(), **options)
    return " ".join(text_of(out.read_bytes()))


def download(officer: User, delivery: Delivery, **choices: str) -> Any:
    client = Client()
    client.force_login(officer)
    wanted = {"what": "printed", "paper": "a4", "language": "", "reason": "for the hearing"} | choices
    return client.post(f"/admin/signatures/delivery/{delivery.pk}/copy/", wanted)


def test_the_printed_copy_has_every_name_and_no_annex(delivery: Delivery, officer: User) -> None:
    answer = download(officer, delivery, paper="us-letter")
    assert answer["Content-Disposition"] == 'attachment; filename="bridge-1-printed.pdf"'
    content = b"".join(answer)
    pages = text_of(content)
    assert len(pages) == 2 and "Ada Lovelace" in pages[1] and "Only Delivered" in pages[1]
    assert delivery.digest not in " ".join(pages) and "Public edition" not in " ".join(pages)
    assert PdfReader(io.BytesIO(content)).pages[0].mediabox.width == 612
    entry = AuditEntry.objects.latest("pk")
    assert (entry.action, entry.staff_id, entry.reason) == ("export", officer.pk, "for the hearing")
    assert entry.detail == {
        "form": "pdf", "rows": 3, "sha256": hashlib.sha256(content).hexdigest(), "delivery": delivery.pk, "number": 1,
    }  # fmt: skip


def test_the_public_edition_says_in_front_what_it_is_and_names_public_names_alone(
    delivery: Delivery, officer: User
) -> None:
    answer = download(officer, delivery, what="public")
    assert answer["Content-Disposition"] == 'attachment; filename="bridge-1-public.pdf"'
    content = b"".join(answer)
    pages = text_of(content)
    assert pages[0].startswith(PUBLIC_EDITION)
    assert "Ada Lovelace" in pages[1] and "Only Delivered" not in " ".join(pages)
    assert "4 signatures: 2 named here and 2 not named in public" in pages[1]
    assert delivery.digest in pages[2].replace(" ", ""), "the annex says of which delivery it is, and how to check"
    assert "public edition" in str(PdfReader(io.BytesIO(content)).metadata)
    assert AuditEntry.objects.latest("pk").detail["form"] == "public-pdf"


def test_the_command_makes_the_same_bytes_in_a_language_that_was_frozen(letter: Letter, tmp_path: Path) -> None:
    publish(revise(letter, "ko", WORDS | {"title": "다리", "closing": "드림"}))
    make_signature(letter, "Ada Lovelace")
    make_delivery(letter)
    first = export(tmp_path / "a.pdf", public=True, languages=("ko",))
    assert "공개판." in first and "다리" in first
    export(tmp_path / "b.pdf", public=True, languages=("ko",))
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()
    with pytest.raises(CommandError, match="Delivery 1 has no text in 'fr'; there are: en, ko"):
        export(tmp_path / "c.pdf", languages=("fr",))


def test_E19_who_left_since_is_in_no_copy_and_all_others_keep_their_numbers(letter: Letter, tmp_path: Path) -> None:
    """Whether they withdrew, were erased or rejected, or asked to be counted only; and whatever was handed over."""
    gone = [make_signature(letter, name) for name in ("Bea", "Cleo", "Dora", "Emma")]
    for name in ("Ada", "Fay"):
        make_signature(letter, name)
    delivery = make_delivery(letter)
    freezing.hand_over(delivery, by=None, on=delivery.frozen_at.date(), to="The mayor")
    withdrawal.withdraw(gone[0])
    withdrawal.erase(gone[1])
    single_decisions.reject(gone[2], by=1, reason="It is the name of somebody else")
    blank = dict.fromkeys(("name", "sort_key", "name_key", "search_text"), "")
    Signature.objects.filter(pk=gone[3].pk).update(visibility=Visibility.COUNTED, **blank)

    printed = export(tmp_path / "printed.pdf", annex=False)
    erased = "[name erased]"
    assert f"Ada {TAKEN_OUT} {erased} {TAKEN_OUT} {TAKEN_OUT} Fay" in printed
    public = export(tmp_path / "public.pdf", public=True)
    assert "Ada Fay" in public and "6 signatures: 2 named here and 4 not named in public" in public


def test_E19_whose_name_is_not_public_any_more_or_was_not_then_is_not_in_the_public_edition(
    delivery: Delivery, tmp_path: Path
) -> None:
    Signature.objects.filter(name="Ben Brook").update(visibility=Visibility.DELIVERY)
    Signature.objects.filter(name="Only Delivered").update(visibility=Visibility.PUBLIC)
    public = export(tmp_path / "public.pdf", public=True)
    assert "Ada Lovelace" in public and "Ben Brook" not in public and "Only Delivered" not in public


def test_a_delivery_that_does_not_say_whose_names_are_public_has_no_public_edition(
    delivery: Delivery, officer: User, tmp_path: Path
) -> None:
    with connection.cursor() as cursor:  # as the version before left them
        cursor.execute("ALTER TABLE signatures_deliveryentry DISABLE TRIGGER delivery_entries_are_frozen")
        cursor.execute("UPDATE signatures_deliveryentry SET visibility = ''")
        cursor.execute("ALTER TABLE signatures_deliveryentry ENABLE TRIGGER delivery_entries_are_frozen")
    answer = download(officer, delivery, what="public")
    assert answer.status_code == 422 and b"it was not kept yet whose names are public" in answer.content
    with pytest.raises(CommandError, match="Freeze another one for a public edition"):
        export(tmp_path / "x.pdf", public=True)
    assert "Only Delivered" in export(tmp_path / "printed.pdf", annex=False), "the printed copy needs it not"


def test_of_what_is_void_not_made_or_not_there_nothing_is_copied(
    letter: Letter, ada: Signature, tmp_path: Path
) -> None:
    with pytest.raises(CommandError, match="bridge has no delivery 1"):
        export(tmp_path / "x.pdf")
    with transaction.atomic():
        delivery = freezing._freeze(letter, None, "for a test")
    with pytest.raises(CommandError, match="The files of this delivery are not made yet"):
        export(tmp_path / "x.pdf")
    with pytest.raises(CommandError, match="A delivery is frozen, and no draft"):
        export(tmp_path / "x.pdf", draft=True)
    freezing.void(delivery, by=None, reason="a test")
    with pytest.raises(CommandError, match="The delivery is void"):
        export(tmp_path / "x.pdf")
    assert list(tmp_path.iterdir()) == []


def test_who_withdraws_while_the_copy_is_made_is_not_handed_out(
    delivery: Delivery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, started = Path.open, list[Signature]()

    def withdraw_once(path: Path, *args: Any, **options: Any) -> Any:
        ben = Signature.objects.filter(name="Ben Brook").first()
        if path.name == "names.json" and ben and not started:
            started.append(ben)
            elsewhere(ben)
        return real(path, *args, **options)

    def elsewhere(ben: Signature) -> None:
        def work() -> None:
            withdrawal.withdraw(ben)
            connection.close()

        thread = Thread(target=work)
        thread.start()
        thread.join()

    monkeypatch.setattr(Path, "open", withdraw_once)
    with pytest.raises(CommandError, match="Somebody withdrew or was erased while the copy was made"):
        export(tmp_path / "x.pdf", public=True)
    assert list(tmp_path.iterdir()) == [] and not AuditEntry.objects.filter(action="export").exists()


def test_only_a_delivery_officer_makes_copies(delivery: Delivery, moderator: User, officer: User) -> None:
    assert download(moderator, delivery).status_code == 403
    client = Client()
    client.force_login(officer)
    assert f"/{delivery.pk}/copy/".encode() in client.get(f"/admin/signatures/delivery/{delivery.pk}/change/").content
    assert download(officer, delivery, reason="").status_code == 422


def test_what_was_public_when_it_was_frozen_never_changes(delivery: Delivery) -> None:
    kept = DeliveryEntry.objects.order_by("place").values_list("visibility", flat=True)
    assert list(kept) == ["public", "public", "delivery", "counted"]
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE signatures_deliveryentry SET visibility = 'public'")
    withdrawal.erase(Signature.objects.get(name="Ben Brook"))
    assert list(kept) == ["public", "public", "delivery", "counted"]


def test_the_public_edition_says_what_it_is_in_every_language(delivery: Delivery) -> None:
    record = Record(number=3, frozen_on=delivery.frozen_at.date())
    said = {language: Wording(language).public_edition(record) for language in languages()}
    assert len({first for first, _which in said.values()}) == len(said) == 8
    assert all("3" in which for _first, which in said.values())
