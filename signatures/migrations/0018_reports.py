from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("signatures", "0017_public_by_country")]

    operations = [
        migrations.AddIndex(
            model_name="signature",
            index=models.Index(
                models.F("signed_up_at"), condition=models.Q(("flags__contains", ["reported"])), name="reported"
            ),
        ),
        migrations.AlterField(
            model_name="limit",
            name="of",
            field=models.CharField(
                choices=[
                    ("network", "sign-ups from one network (/24 or /64)"),
                    ("mailbox", "sign-ups for one mailbox"),
                    ("domain", "sign-ups with one mail domain"),
                    ("site", "sign-ups on the whole site"),
                    ("words", "sign-ups with one name and country"),
                    ("guess", "broken personal links from one network"),
                    ("report", "reports of public names from one network"),
                    ("login", "failed logins under one name from one network"),
                    ("login-network", "logins from one network, told one by one in the trail"),
                    ("mail", "mails sent by the whole site"),
                    ("mail-domain", "mails sent to one mail domain"),
                    ("name", "sign-ups with one name, from any country, whatever numbers stand in it"),
                    ("comment", "sign-ups with one comment"),
                    ("small-domain", "sign-ups with one mail domain that is no provider for everybody"),
                    ("no-hand", "sign-ups from one network without script, or too quick for a hand"),
                ],
                max_length=20,
                verbose_name="what",
            ),
        ),
    ]
