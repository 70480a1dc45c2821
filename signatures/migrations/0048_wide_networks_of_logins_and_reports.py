from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("signatures", "0047_clusters_in_the_queue")]

    operations = [
        migrations.AlterField(
            "ratelimit",
            "scope",
            models.CharField(
                choices=[
                    ("network", "sign-ups from one network (/24 or /64)"),
                    ("wide-network", "sign-ups from one wide network (IPv6: /48)"),
                    ("mailbox", "sign-ups for one mailbox; plus parts and dots in the address are ignored"),
                    ("domain", "sign-ups with one email domain"),
                    ("site", "sign-ups on the whole site"),
                    ("words", "sign-ups with one name and country"),
                    ("guess", "broken personal links from one network"),
                    ("report", "reports of public names from one network"),
                    ("report-wide", "reports of public names from one wide network (IPv6: /48)"),
                    ("login", "failed logins under one name from one network"),
                    ("login-network", "logins from one network"),
                    ("login-wide", "logins from one wide network (IPv6: /48)"),
                    ("code", "second-factor codes for one account, from browsers it has not used before"),
                    ("mail", "emails sent by the whole site"),
                    ("mail-domain", "emails sent to one email domain"),
                    ("mail-flagged", "emails to flagged sign-ups, reminders and updates"),
                    ("mail-flagged-domain", "of these, to one email domain"),
                    ("mail-small", "emails sent to one email domain that is no public provider"),
                    ("name", "sign-ups with one name, from any country, numbers in it ignored"),
                    ("comment", "sign-ups with one comment"),
                    ("small-domain", "sign-ups with one email domain that is no public provider"),
                    ("no-hand", "sign-ups from one network without script, or faster than a person"),
                ],
                max_length=20,
                verbose_name="what",
            ),
        ),
    ]
