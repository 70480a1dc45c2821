from django.db import migrations


class Migration(migrations.Migration):
    """The tally is read whole, and after a crowd nearly all of it is empty.

    Vacuum leaves the index alone where it finds few dead rows, and gives back no page that the index still knows.
    """

    dependencies = [("signatures", "0018_reports")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE signatures_tally SET (vacuum_index_cleanup = on)",
            "ALTER TABLE signatures_tally RESET (vacuum_index_cleanup)",
        )
    ]
