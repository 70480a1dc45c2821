from django.db import migrations

# A new site has no limits yet, and gets all of them after the migrations: see `create_default_limits`.
ADD = """
    INSERT INTO signatures_ratelimit (scope, seconds, max_count, divisor)
    SELECT 'code', 86400, 30, 1 WHERE EXISTS (SELECT FROM signatures_ratelimit WHERE scope = 'code')
    ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    """Single codes of an app from new browsers are few in a day, too: two codes in a row let their owner in (A2)."""

    dependencies = [("signatures", "0052_former_marks")]

    operations = [migrations.RunSQL(ADD, migrations.RunSQL.noop)]
