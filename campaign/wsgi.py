"""The WSGI application: `granian --interface wsgi campaign.wsgi:application`."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "campaign.settings")

application = get_wsgi_application()

# Everything loaded now is kept until the process ends, so the garbage collector need not examine it again and again.
# Reading the URL patterns loads what Django would load with the first request.
get_resolver().url_patterns  # noqa: B018  # read for its effect: the first request finds the URLs loaded
gc.collect()
gc.freeze()
