"""The addresses of signing."""

from django.urls import path

from signatures import views
from signatures.delivery.views import delivery_page

urlpatterns = [
    path("", views.first_page, name="first"),
    path("letters/<slug:slug>/", views.letter_page, name="letter"),
    path("letters/<slug:slug>/sign/", views.sign, name="sign"),
    path("letters/<slug:slug>/check-mail/", views.check_mail, name="check-mail"),
    path("letters/<slug:slug>/my-link/", views.my_link, name="my-link"),
    path("letters/<slug:slug>/my-link/sent/", views.link_sent, name="link-sent"),
    path("letters/<slug:slug>/signatories/", views.signatories, name="signatories"),
    path("letters/<slug:slug>/signatories/<uuid:public_id>/", views.entry, name="entry"),
    path("deliveries/<slug:slug>/<int:number>/", delivery_page, name="delivery"),
    path("no-updates/<str:token>/", views.no_updates, name="no-updates"),
    path("signature/<str:token>/", views.personal_page, name="signature"),
]
