from typing import Any

import django.contrib.postgres.indexes
from django.db import migrations, models

import signatures.models.signature
from signatures import finding

# Every piece of one, two and three letters, and the country. Three from alphabets alone: of Hanzi, Kana and Hangul two
# are rare enough. Each with its letter, so that the names of one do not make a search in another slow.
GRAMS = """
CREATE FUNCTION signatures_grams(letter bigint, country text, folded text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    signs text[] := string_to_array(folded, NULL);
    last int := coalesce(cardinality(signs), 0);
    head text := letter || ':';
    grams text[] := ARRAY[letter || '=' || country];
BEGIN
    FOR i IN 1..last LOOP
        grams := grams || (head || signs[i]);
        IF i < last THEN
            grams := grams || (head || signs[i] || signs[i + 1]);
        END IF;
        IF i < last - 1 AND ascii(signs[i]) < 11904 THEN
            grams := grams || (head || signs[i] || signs[i + 1] || signs[i + 2]);
        END IF;
    END LOOP;
    RETURN grams;
END $$;
"""
NO_GRAMS = "DROP FUNCTION signatures_grams(bigint, text, text);"
BATCH = 5_000
PUBLIC = models.Q(("state", "approved"), ("visibility", "public"))


def fold_names(apps: Any, schema_editor: Any) -> None:
    """The names that stand there already; a new site has none."""
    named = apps.get_model("signatures", "Signature").objects.exclude(name="").exclude(state="unconfirmed")
    last = 0
    with schema_editor.connection.cursor() as cursor:
        while rows := list(named.filter(pk__gt=last).order_by("pk").values_list("pk", "name", "organisation")[:BATCH]):
            cursor.execute(
                "UPDATE signatures_signature AS s SET folded = made.folded "
                "FROM unnest(%s::bigint[], %s::text[]) AS made (id, folded) WHERE s.id = made.id",
                [[pk for pk, *_words in rows], [finding.findable(name, of) for _pk, name, of in rows]],
            )
            last = rows[-1][0]


class Migration(migrations.Migration):
    dependencies = [("signatures", "0015_updates")]

    operations = [
        migrations.AddField(
            model_name="signature",
            name="folded",
            field=models.TextField(blank=True, db_default="", default="", editable=False),
        ),
        migrations.RemoveConstraint(model_name="signature", name="counted_and_withdrawn_have_no_words"),
        migrations.AddConstraint(
            model_name="signature",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("comment", ""),
                        ("folded", ""),
                        ("likeness", ""),
                        ("name", ""),
                        ("organisation", ""),
                        ("role", ""),
                        ("sort_key", ""),
                        ("speaker", ""),
                    ),
                    models.Q(
                        models.Q(("state", "withdrawn"), _negated=True),
                        models.Q(
                            models.Q(("visibility", "counted"), _negated=True),
                            ("confirmed_at__isnull", True),
                            _connector="OR",
                        ),
                    ),
                    _connector="OR",
                ),
                name="counted_and_withdrawn_have_no_words",
            ),
        ),
        migrations.RunPython(fold_names, migrations.RunPython.noop, elidable=True),
        migrations.RunSQL(GRAMS, NO_GRAMS),
        migrations.AddIndex(
            model_name="signature",
            index=django.contrib.postgres.indexes.GinIndex(
                signatures.models.signature.Grams("letter_id", "country", "folded"),
                condition=PUBLIC,
                gin_pending_list_limit=512,
                name="public_by_grams",
            ),
        ),
        migrations.AddIndex(
            model_name="signature",
            index=models.Index(
                models.F("letter"), models.F("sort_key"), models.F("public_id"), condition=PUBLIC, name="public_by_name"
            ),
        ),
        migrations.AddIndex(
            model_name="signature",
            index=models.Index(
                models.F("letter"),
                models.F("country"),
                models.F("sort_key"),
                models.F("public_id"),
                condition=PUBLIC,
                name="public_by_country_and_name",
            ),
        ),
    ]
