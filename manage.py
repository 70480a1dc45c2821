#!/usr/bin/env python
"""The command line of the site. `uv run manage.py serve` starts everything."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "campaign.settings")
    # Imported here, because both read the settings module named above.
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    from campaign.runtime import database, failures, logs

    if not sys.stderr.isatty() and "--traceback" not in sys.argv:
        logs.log_uncaught_exceptions()
    try:
        with database.running_for_command(sys.argv[1] if len(sys.argv) > 1 else ""):
            execute_from_command_line(sys.argv)
    except (ImproperlyConfigured, database.DatabaseUnavailable) as error:
        sys.exit(str(error))
    except (OSError, OperationalError) as error:
        if "--traceback" in sys.argv:
            raise
        sys.exit(failures.sentence(error))


if __name__ == "__main__":
    main()
