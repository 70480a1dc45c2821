"""The addresses of signing."""

from django.urls import path

from signatures.delivery.views import delivery_page
from signatures.views import figures, letter, listing, personal, reporting, telling

urlpatterns = [
    path("", letter.first_page, name="first"),
    path("letters/<slug:slug>/", letter.letter_page, name="letter"),
    path("letters/<slug:slug>/sign/", letter.sign, name="sign"),
    path("letters/<slug:slug>/check-mail/", letter.check_mail, name="check-mail"),
    path("letters/<slug:slug>/my-link/", personal.my_link, name="my-link"),
    path("letters/<slug:slug>/my-link/sent/", personal.link_sent, name="link-sent"),
    path("letters/<slug:slug>/tell/", telling.tell, name="tell"),
    path("letters/<slug:slug>/embed/", telling.embed, name="embed"),
    path("letters/<slug:slug>/picture.png", telling.card, name="card"),
    path("letters/<slug:slug>/api/", figures.explained, name="figures"),
    path("letters/<slug:slug>/signatories/", listing.signatories, name="signatories"),
    path("letters/<slug:slug>/signatories/countries/", listing.by_country, name="countries"),
    path("letters/<slug:slug>/signatories/reported/", reporting.reported, name="reported"),
    path("letters/<slug:slug>/signatories/<uuid:public_id>/", listing.entry, name="entry"),
    path("letters/<slug:slug>/signatories/<uuid:public_id>/report/", reporting.report, name="report"),
    path("deliveries/<slug:slug>/<int:number>/", delivery_page, name="delivery"),
    path("no-updates/<str:token>/", personal.no_updates, name="no-updates"),
    path("signature/<str:token>/", personal.personal_page, name="signature"),
]
