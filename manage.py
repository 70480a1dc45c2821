#!/usr/bin/env python
"""The command line of the site. `uv run manage.py serve` starts everything."""

import os
import sys

MAKE_SETTINGS = ("init", "make_keys")  # commands that make the settings, and so read none


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "campaign.settings")
    # Imported here, because they read the settings module named above.
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line, load_command_class
    from django.db import OperationalError, ProgrammingError

    from campaign.runtime import database, failures, logs

    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if not sys.stderr.isatty() and "--traceback" not in sys.argv:
        logs.log_uncaught_exceptions()
    try:
        if name in MAKE_SETTINGS:
            settings.configure()
            load_command_class("campaign", name).run_from_argv(sys.argv)
            return
        with database.running_for_command(name):
            execute_from_command_line(sys.argv)
    except (ImproperlyConfigured, database.DatabaseUnavailable) as error:
        sys.exit(str(error))
    except (OSError, OperationalError, ProgrammingError) as error:
        if "--traceback" in sys.argv or not (sentence := failures.sentence(error)):
            raise
        sys.exit(sentence)


if __name__ == "__main__":
    main()
