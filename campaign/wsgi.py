"""The entrance for the web server: `granian --interface wsgi campaign.wsgi:application`."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "campaign.settings")

application = get_wsgi_application()

# What stands now stands until the end: the collector need not go through it again and again. The addresses bring all
# that Django would load with the first request.
get_resolver().url_patterns
gc.collect()
gc.freeze()
