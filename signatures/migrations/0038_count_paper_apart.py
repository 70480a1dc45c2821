from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations

from campaign.runtime.sql_files import load_sql

BEFORE, AFTER = "WHEN paper THEN ''sign-up''", "WHEN paper THEN ''paper''"
REPLACE = load_sql(__file__, "sql/count_paper_apart.sql")


class Migration(migrations.Migration):
    dependencies = [("signatures", "0037_paper_previews")]

    operations = [
        ValidateConstraint("paperimport", "an_imported_file_is_gone"),
        migrations.RunSQL(REPLACE.format(before=BEFORE, after=AFTER), REPLACE.format(before=AFTER, after=BEFORE)),
    ]
