"""The settings of the site for tests: a temporary VAR_DIR, and no setting from a developer's `.env`."""

import os
import tempfile

if "UNDERSIGNED_TEST_DIR" not in os.environ:  # the first process of a test run makes it; the others share it
    os.environ["UNDERSIGNED_TEST_DIR"] = tempfile.mkdtemp(prefix="us-")
TEST_DIR = os.environ["UNDERSIGNED_TEST_DIR"]

BLANKED = (
    "ALLOWED_HOSTS", "CACHE_URL", "DATABASE_URL", "DEBUG", "DELIVERIES_DIR", "FONT_DIRS", "STATIC_DIR", "UPDATES_PUBLIC_KEY", "EMAIL_HASH_PEPPER", "DEFAULT_FROM_EMAIL", "EMAIL_URL",
    "ORGANIZATION_NAME", "OUTBOX_PUBLIC_KEY", "CONTACT_EMAIL", "HSTS_INCLUDE_SUBDOMAINS", "HSTS_PRELOAD", "METRICS_TOKEN", "RETENTION_MONTHS", "SECRET_KEY",
    "SECRET_KEY_FALLBACKS", "SITE_URL", "TASKS_BACKEND", "TRUSTED_PROXIES",
)  # fmt: skip
os.environ.pop("OUTBOX_PRIVATE_KEY_FILE", None)
os.environ |= dict.fromkeys(BLANKED, "") | {
    "VAR_DIR": f"{TEST_DIR}/var",
    "ADMIN_PATH": "admin/",
    "DEBUG": "False",
    "TRUSTED_PROXIES": "0",
    "RETENTION_MONTHS": "12",
    "COUNT_STEP_MINUTES": "0",  # tests/public_list/test_count_steps.py has steps
}

from campaign.settings import *  # noqa: E402, F403  the point of this file

# A fast password hash saves time. Hashed names of static files would need `collectstatic` first.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}  # noqa: F405  # from the star above
MIDDLEWARE = [name for name in MIDDLEWARE if "whitenoise" not in name]  # noqa: F405  # from the star above
