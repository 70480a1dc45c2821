"""The ASGI application: `granian --interface asginl campaign.asgi:application`."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "campaign.settings")

handler = get_wsgi_application()

from campaign.web.server import Application  # noqa: E402  # it needs the settings

application = Application(handler)

# Everything loaded now is kept until the process ends, so the garbage collector need not examine it again and again.
# Reading the URL patterns loads what Django would load with the first request.
get_resolver().url_patterns  # noqa: B018  # read for its effect: the first request finds the URLs loaded
gc.collect()
gc.freeze()
