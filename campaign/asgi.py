"""The ASGI application: `granian --interface asginl campaign.asgi:application`."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from campaign.runtime.logs import logged_start

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "campaign.settings")

with logged_start():
    handler = get_wsgi_application()

    from campaign.web.server import Application  # both need the settings
    from signatures.sharing import made_once
    from signatures.staff import known_browsers

    application = Application(handler, browser_of_staff=known_browsers.browser_of_staff)

    # Everything loaded now is kept until the process ends, so the garbage collector need not examine it again and
    # again. Reading the URL patterns loads what Django would load with the first request.
    get_resolver().url_patterns  # noqa: B018  # read for its effect: the first request finds the URLs loaded
    made_once.delete_old()
    gc.collect()
    gc.freeze()
