"""The addresses that everybody may open, and that may be read in a language without a catalog (`/de/letters/…`)."""

from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path

from campaign.letters import feeds, views
from signatures.public_list.api import api

urlpatterns = [
    path("look/<slug:color>.css", views.look, name="look"),
    path("logo/<slug:digest>.png", views.logo, name="logo"),
    path("api/v1/letters/<slug:slug>/", api, name="api"),
    *i18n_patterns(
        path("privacy/", views.privacy, name="privacy"),
        path("help/", views.help_page, name="help"),
        path("accessibility/", views.accessibility, name="accessibility"),
        path("letters/<slug:slug>/help/", views.help_page, name="letter-help"),
        path("letters/<slug:slug>/privacy/", views.privacy, name="letter-privacy"),
        path("letters/<slug:slug>/history/", views.history, name="history"),
        path("letters/<slug:slug>/news/", views.news, name="news"),
        path("letters/<slug:slug>/news/feed/", feeds.news_feed, name="news-feed"),
        path("", include("signatures.urls")),
        prefix_default_language=False,
    ),
]

handler400 = "campaign.web.errors.bad_request"
handler403 = "campaign.web.errors.forbidden"
handler404 = "campaign.web.errors.not_found"
handler500 = "campaign.web.errors.server_error"
