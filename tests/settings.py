"""The settings of the site for tests: a temporary VAR_DIR, and no setting from a developer's `.env`."""

import os
import tempfile
from pathlib import Path

from campaign.runtime.environment import NAMES
from tests.prepared import MIGRATED

if "UNDERSIGNED_TEST_DIR" not in os.environ:  # the first process of a test run makes it; the others share it
    os.environ["UNDERSIGNED_TEST_DIR"] = tempfile.mkdtemp(prefix="us-")
TEST_DIR = os.environ["UNDERSIGNED_TEST_DIR"]

os.environ.pop("OUTBOX_PRIVATE_KEY_FILE", None)
os.environ |= dict.fromkeys(NAMES - {"OUTBOX_PRIVATE_KEY_FILE"}, "") | {
    "LOCAL": "True",
    "VAR_DIR": f"{TEST_DIR}/{os.environ.get('PYTEST_XDIST_WORKER', 'var')}",  # what one test writes, no other reads
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
# Each process of a run copies the migrated database inside the server, which all share.
POSTGRES_DIR = Path(TEST_DIR, "var", "postgres")
DATABASES["default"]["HOST"] = str(POSTGRES_DIR)  # noqa: F405  # from the star above
DATABASES["default"]["TEST"] = {"TEMPLATE": MIGRATED}  # noqa: F405  # from the star above
