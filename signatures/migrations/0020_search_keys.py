from typing import Any

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.contrib.postgres.search import SearchVector
from django.db import migrations, models

from signatures import search_keys


def make_keys_anew(apps: Any, schema_editor: Any) -> None:
    rows = apps.get_model("signatures", "Signature").objects.using(schema_editor.connection.alias)
    search_keys.refresh(rows.exclude(name=""))


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
    ]
