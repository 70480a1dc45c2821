"""The setting `LOGGING`: one line for each event, on standard error."""

HANDLED_BY_ROOT = ("django", "django.server", "_granian", "granian.access")  # `serve` switches the last one off
QUIET_LOGGERS = ("django.tasks", "django_tasks", "django_tasks_db", "pikepdf", "fontTools")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"redacting": {"()": "campaign.runtime.logs.RedactingFormatter"}},
    "filters": {"limiting": {"()": "campaign.runtime.logs.LimitingFilter"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "redacting", "filters": ["limiting"]},
    },
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        **{name: {"handlers": [], "propagate": True} for name in HANDLED_BY_ROOT},
        "django.request": {"level": "ERROR"},  # wrong requests (4xx) are not logged
        **{name: {"level": "WARNING"} for name in QUIET_LOGGERS},
    },
}
