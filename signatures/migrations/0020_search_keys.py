from typing import Any

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.contrib.postgres.search import SearchVector
from django.db import migrations, models

from signatures import search_keys


def make_keys_anew(apps: Any, schema_editor: Any) -> None:
    rows = apps.get_model("signatures", "Signature").objects.using(schema_editor.connection.alias)
    search_keys.refresh(rows.exclude(name=""))


_PUBLIC = models.Q(state="approved", visibility="public")
_SCANNED = ("public_from", "search_text", "id")
# Scans of an index alone need rows that a vacuum has seen: the default waits until a fifth of all have changed.
_VACUUM = """ALTER TABLE signatures_signature SET
    (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02)"""
_UNDO_VACUUM = """ALTER TABLE signatures_signature RESET
    (autovacuum_vacuum_scale_factor, autovacuum_vacuum_insert_scale_factor)"""


class Migration(migrations.Migration):
    atomic = False  # in batches, and indexes without a lock
    dependencies = [("signatures", "0019_page_language")]

    operations = [
        migrations.RunPython(make_keys_anew, migrations.RunPython.noop),  # the former code works with the new keys
        AddIndexConcurrently(
            "signature",
            GinIndex(
                SearchVector("name_key", "search_text", "role", config="simple"),
                condition=~models.Q(search_text=""),
                name="found_by_staff",
            ),
        ),
        RemoveIndexConcurrently("signature", "found_by_words"),
        AddIndexConcurrently(
            "signature",
            models.Index(
                "letter",
                models.F("approved_on").desc(),
                "public_id",
                condition=_PUBLIC,
                include=_SCANNED,
                name="public_newest_words",
            ),
        ),
        RemoveIndexConcurrently("signature", "public_newest"),
        AddIndexConcurrently(
            "signature",
            models.Index(
                "letter",
                "sort_key",
                "public_id",
                condition=_PUBLIC,
                include=_SCANNED,
                name="public_by_name_words",
            ),
        ),
        RemoveIndexConcurrently("signature", "public_by_name"),
        migrations.RunSQL(_VACUUM, _UNDO_VACUUM),
    ]
