"""What must never happen is refused by PostgreSQL itself: each rule is tried by raw SQL."""

from typing import Any

import pytest
from django.db import IntegrityError, InternalError, connection, transaction

from campaign.letters.publishing import publish, revise
from campaign.models import Letter, Translation
from signatures import counts
from signatures.audit import audit_log
from signatures.models import AuditEntry, CountDelta, OutboxMail, Signature, Submission
from signatures.registries import AuditAction
from signatures.signing import withdrawal
from signatures.states import State, Visibility
from tests.conftest import NEVER_TRUNCATED
from tests.factories import WORDS, make_many, make_signature, make_submission

pytestmark = pytest.mark.django_db
REFUSED = (IntegrityError, InternalError)


def refuses(statement: str, *values: Any) -> None:
    with pytest.raises(REFUSED), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)


def wake(table: str) -> None:
    """Switch on the trigger that sleeps while other tests run (see conftest.py)."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE {table} ENABLE TRIGGER {NEVER_TRUNCATED[table]}")


def test_a_published_text_cannot_be_changed_deleted_or_truncated(letter: Letter) -> None:
    refuses("UPDATE campaign_translation SET body = 'other words'")
    refuses("UPDATE campaign_translation SET published_at = NULL")
    refuses("DELETE FROM campaign_translation")
    wake("campaign_translation")
    refuses("TRUNCATE campaign_translation CASCADE")
    assert Translation.objects.get().body == WORDS["body"]


def test_a_draft_may_be_mended_until_it_is_published(letter: Letter) -> None:
    draft = revise(letter, "ko", {**WORDS, "title": "초안"})
    mended = revise(letter, "ko", {**WORDS, "title": "편지"})
    assert mended.pk == draft.pk
    publish(mended)
    refuses("UPDATE campaign_translation SET title = 'x' WHERE id = %s", mended.pk)


def test_a_slug_belongs_to_one_letter_for_ever(letter: Letter) -> None:
    Letter.objects.filter(pk=letter.pk).update(slug="newer-address")
    assert set(letter.slugs.values_list("slug", flat=True)) == {letter.slug, "newer-address"}
    other = Letter.objects.create(slug="another", recipient="The council")
    refuses("UPDATE campaign_letter SET slug = %s WHERE id = %s", letter.slug, other.pk)
    refuses("INSERT INTO campaign_letterslug (slug, letter_id) VALUES (%s, %s)", letter.slug, other.pk)
    Letter.objects.filter(pk=letter.pk).update(slug=letter.slug)  # back to its own


def test_a_draft_gives_its_slug_free_when_it_is_changed(letter: Letter) -> None:
    draft = Letter.objects.create(slug="a-typo", recipient="The council")
    Letter.objects.filter(pk=draft.pk).update(slug="no-typo")
    Letter.objects.create(slug="a-typo", recipient="The council")
    assert list(draft.slugs.values_list("slug", flat=True)) == ["no-typo"]


def test_a_letter_that_was_public_keeps_its_slug_as_a_draft(letter: Letter) -> None:
    Letter.objects.filter(pk=letter.pk).update(state="draft")
    Letter.objects.filter(pk=letter.pk).update(slug="bridges")
    with pytest.raises(IntegrityError, match="another letter has or had this slug"), transaction.atomic():
        Letter.objects.create(slug=letter.slug, recipient="The council")


def test_the_audit_log_is_append_only(letter: Letter) -> None:
    audit_log.record(AuditAction.ALARM, letter_id=letter.pk)
    refuses("UPDATE signatures_auditentry SET reason = 'other'")
    refuses("DELETE FROM signatures_auditentry")
    wake("signatures_auditentry")
    refuses("TRUNCATE signatures_auditentry")
    assert AuditEntry.objects.count() == 1


@pytest.mark.parametrize("table", ["signatures_delivery", "signatures_deliveryentry"])
def test_a_delivery_is_never_truncated(letter: Letter, table: str) -> None:
    wake(table)
    refuses(f"TRUNCATE {table} CASCADE")


def test_one_mailbox_signs_a_letter_once_per_kind_and_place(ada: Signature) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        make_signature(ada.letter, "Again", address_hash=ada.address_hash)
    make_signature(ada.letter, "Another person", place=2, address_hash=ada.address_hash)
    make_signature(
        ada.letter, "The same mailbox for an organization", kind="organization", address_hash=ada.address_hash
    )
    refuses("UPDATE signatures_signature SET place = 3")
    refuses("UPDATE signatures_signature SET place = NULL")


def test_an_address_has_five_places_for_submissions(ben: Submission) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        make_submission(ben.letter, "Again", address_hash=ben.address_hash)
    for place in range(2, 6):
        make_submission(ben.letter, "Again", address_hash=ben.address_hash, place=place)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_submission(ben.letter, "Again", address_hash=ben.address_hash, place=6)


def test_a_submission_has_an_address_and_no_words_where_it_is_counted_only(ben: Submission) -> None:
    refuses("UPDATE signatures_submission SET address_hash = NULL")
    refuses("UPDATE signatures_submission SET visibility = 'counted'")


def test_submissions_and_signatures_share_their_numbers(ben: Submission, ada: Signature) -> None:
    numbers = [make_submission(ben.letter, "One more").pk, make_signature(ben.letter, "One more").pk]
    assert len({ben.pk, ada.pk, *numbers}) == 4 and numbers == [max(ben.pk, ada.pk) + 1, max(ben.pk, ada.pk) + 2]


def test_a_row_without_a_mailbox_comes_from_paper(ada: Signature) -> None:
    refuses("UPDATE signatures_signature SET address_hash = NULL")


def test_nothing_is_a_signature_before_it_is_confirmed(ada: Signature) -> None:
    refuses("UPDATE signatures_signature SET confirmed_at = NULL")
    refuses("UPDATE signatures_signature SET state = 'unconfirmed', approved_on = NULL")


def test_a_withdrawn_row_has_no_words(ada: Signature) -> None:
    refuses("UPDATE signatures_signature SET state = 'withdrawn', place = NULL")


def test_a_confirmed_counted_row_has_no_words(ada: Signature) -> None:
    refuses("UPDATE signatures_signature SET visibility = 'counted'")


@pytest.mark.parametrize("column", ["state", "visibility", "kind"])
def test_no_unknown_choice_is_stored(ada: Signature, column: str) -> None:
    refuses(f"UPDATE signatures_signature SET {column} = 'other'")


def test_a_sent_mail_names_nobody(ada: Signature) -> None:
    refuses(
        "INSERT INTO signatures_outboxmail (signature_id, kind, language, recipient, queued_at, due_at, sent_at, attempts, failure)"
        " VALUES (%s, 'link', 'en', 'x', now(), now(), now(), 1, '')",
        ada.pk,
    )
    assert not OutboxMail.objects.exists()


def recounted(letter: Letter) -> dict[tuple[str, str, bool, str], int]:
    cells: dict[tuple[str, str, bool, str], int] = {}
    rows = Signature.objects.filter(letter=letter).values_list("state", "visibility", "flags", "kind")
    for state, visibility, flags, kind in rows:
        key = (state, visibility, bool(flags), kind)
        cells[key] = cells.get(key, 0) + 1
    return cells


def test_the_count_deltas_follow_every_way_of_changing_a_row(letter: Letter, moderator: object) -> None:
    rows = make_many(letter, 20)
    make_signature(letter, "Flagged", State.WAITING, flags=["link"])
    make_signature(letter, "", visibility=Visibility.COUNTED)
    assert counts.for_letter(letter.pk).cells == recounted(letter)

    Signature.objects.filter(pk__in=[row.pk for row in rows[:7]]).update(state=State.REJECTED, approved_on=None)
    Signature.objects.filter(pk=rows[8].pk).delete()
    withdrawal.withdraw(rows[9])
    assert counts.for_letter(letter.pk).cells == recounted(letter)
    totals = counts.for_letter(letter.pk)
    assert (totals.total, totals.public, totals.named, totals.counted_only, totals.delivered) == (
        12,
        11,
        11,
        1,
        12,
    )


def test_folding_changes_no_count(letter: Letter) -> None:
    make_many(letter, 5)
    before = counts.for_letter(letter.pk)

    assert counts.fold_deltas() == 4

    assert counts.for_letter(letter.pk) == before
    assert CountDelta.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_count_deltas_are_few_again_after_many_signatures(letter: Letter) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO signatures_countdelta (letter_id, state, visibility, flagged, kind, number)"
            " SELECT %s, 'waiting', 'public', FALSE, 'person', 1 FROM generate_series(1, 20000)",
            [letter.pk],
        )
        for _minute in range(3):  # what the worker and PostgreSQL do by themselves
            counts.fold_deltas()
            cursor.execute("VACUUM signatures_countdelta")
        cursor.execute("SELECT pg_relation_size('signatures_countdelta') / 8192")
        assert cursor.fetchone()[0] <= 4, "pages, of two hundred: it is read whole for each count"


@pytest.mark.django_db(transaction=True)
def test_a_change_that_is_rolled_back_is_not_counted(letter: Letter) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        make_signature(letter, "Never")
        raise ZeroDivisionError
    assert counts.for_letter(letter.pk).total == 0
