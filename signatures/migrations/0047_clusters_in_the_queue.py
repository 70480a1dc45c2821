from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

import signatures.models.signature
from campaign.runtime.sql_files import run_sql_file


class Migration(migrations.Migration):
    """What the review queue counts among all that waits: the same network, and the same words."""

    atomic = False  # the table is written to meanwhile
    dependencies = [("signatures", "0046_count_and_confirm_alone")]

    operations = [
        run_sql_file(__file__, "comment_key.sql", undo="DROP FUNCTION signatures_comment_key(text)"),
        AddIndexConcurrently(
            "signature",
            models.Index(
                "network",
                condition=models.Q(("state", "waiting"), models.Q(("network", ""), _negated=True)),
                name="waiting_networks",
            ),
        ),
        AddIndexConcurrently(
            "signature",
            models.Index(
                signatures.models.signature.CommentKey("comment"),
                condition=models.Q(("state", "waiting"), models.Q(("comment", ""), _negated=True)),
                name="waiting_comments",
            ),
        ),
    ]
