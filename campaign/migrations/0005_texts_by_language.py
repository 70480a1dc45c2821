from collections import defaultdict
from typing import Any

from django.db import migrations, models

from campaign.runtime.sql_files import run_sql_file


def put_texts_under_their_wordings(apps: Any, schema_editor: Any) -> None:
    """Until now any published text made a revision. From now on a revision is a wording in the authoritative language.

    In each letter with a published text: the texts of its authoritative language are marked as such. Where a revision
    has none (a translation was corrected alone), its texts go to the wording that they translate. Its number is not
    given again: deliveries may name it.
    """
    Translation = apps.get_model("campaign", "Translation")
    by_letter = defaultdict(list)
    for text in Translation.objects.select_related("revision").order_by("revision__number", "pk"):
        by_letter[text.revision.letter_id].append(text)
    # Foreign keys are checked at once, because a table with checks to come cannot be altered.
    schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    schema_editor.execute("ALTER TABLE campaign_translation DISABLE TRIGGER published_text_is_frozen")
    for texts in by_letter.values():
        _put_in_order(texts)
    schema_editor.execute("ALTER TABLE campaign_translation ENABLE TRIGGER published_text_is_frozen")


def _put_in_order(texts: list[Any]) -> None:
    published = [text for text in texts if text.published_at]
    official = [text for text in published if not text.unofficial]
    # The first authoritative text; where staff never marked any, the first official one, the English before others.
    ranks = {text: (not text.authoritative, text.revision.number, text.language != "en") for text in official}
    first = min(official, key=ranks.__getitem__, default=None)
    if first is None:
        return
    for text in texts:
        is_wording = text.language == first.language
        if text.authoritative != is_wording:
            text.authoritative, text.unofficial = is_wording, text.unofficial and not is_wording
            text.save(update_fields=["authoritative", "unofficial"])
    wordings = {text.revision.number: text.revision for text in published if text.language == first.language}
    taken = {(text.revision_id, text.language) for text in texts if not text.published_at}
    following: list[Any] = []
    for text in texts:
        number = text.revision.number
        has_published = any(other.revision_id == text.revision_id for other in published)
        if number in wordings or not has_published:
            continue
        earlier = [wording for wording in wordings if wording < number]
        target = wordings[max(earlier) if earlier else min(wordings)]
        if not text.published_at and (text.authoritative or (target.pk, text.language) in taken):
            # A draft of the next wording, or one too many.
            target = next((each for each in following if (each.pk, text.language) not in taken), None)
            if target is None:
                newest = text.revision.letter.revisions.order_by("-number").first().number
                target = text.revision.letter.revisions.create(number=newest + 1)
                following.append(target)
        if not text.published_at:
            taken.add((target.pk, text.language))
        type(text).objects.filter(pk=text.pk).update(revision=target)


class Migration(migrations.Migration):
    """Backwards, it stops where a corrected translation stands beside the former one: there was no room for both."""

    dependencies = [("campaign", "0004_acknowledgment_recorded_at")]

    operations = [
        migrations.AddField(
            "translation",
            "taken_back_at",
            models.DateTimeField("taken back at", null=True, editable=False),
        ),
        run_sql_file(__file__, "texts_taken_back.sql", undo=migrations.RunSQL.noop),
        migrations.RemoveConstraint("translation", "one_translation_per_language"),
        migrations.RunPython(put_texts_under_their_wordings, migrations.RunPython.noop),
        migrations.AddConstraint(
            "translation",
            models.UniqueConstraint(
                models.F("revision"),
                models.F("language"),
                condition=models.Q(published_at__isnull=True),
                name="one_draft_per_language",
            ),
        ),
        migrations.AddConstraint(
            "translation",
            models.UniqueConstraint(
                models.F("revision"),
                condition=models.Q(authoritative=True, published_at__isnull=False, taken_back_at__isnull=True),
                name="one_wording_per_revision",
            ),
        ),
    ]
