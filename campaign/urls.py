"""All addresses of the site. The default language has no prefix; the others have one."""

from django.conf import settings
from django.contrib import admin
from django.urls import path

from campaign import public_urls
from campaign.letters.sitemaps import sitemap
from campaign.public_urls import handler400, handler403, handler404, handler500
from campaign.web import site_files
from signatures.monitoring.metrics import metrics
from signatures.outbox import provider_events

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

urlpatterns = [
    path("metrics", metrics, name="metrics"),
    path("robots.txt", site_files.robots, name="robots"),
    path(".well-known/security.txt", site_files.security, name="security"),
    *(path(name, site_files.icon, {"name": name}, name=name) for name in site_files.ICONS),
    path("sitemap.xml", sitemap, name="sitemap"),
    *provider_events.urls(),
    path(settings.ADMIN_PATH, admin.site.urls),
    *public_urls.urlpatterns,
]
