"""All addresses of the site. English has no prefix; other languages have one."""

from django.conf import settings
from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import include, path

from campaign import feeds, views
from signatures.views.figures import api

urlpatterns = [
    path("readyz", views.ready, name="ready"),
    path("robots.txt", views.robots, name="robots"),
    path("api/v1/letters/<slug:slug>/", api, name="api"),
    path(settings.ADMIN_PATH, admin.site.urls),
    *i18n_patterns(
        path("privacy/", views.privacy, name="privacy"),
        path("letters/<slug:slug>/history/", views.history, name="history"),
        path("letters/<slug:slug>/news/", views.news, name="news"),
        path("letters/<slug:slug>/news/feed/", feeds.news_feed, name="news-feed"),
        path("", include("signatures.urls")),
        prefix_default_language=False,
    ),
]

handler400 = "campaign.views.bad_request"
handler403 = "campaign.views.refused"
handler404 = "campaign.views.not_found"
handler500 = "campaign.views.fault"
