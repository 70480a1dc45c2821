"""The addresses of signing."""

from django.urls import path

from signatures.delivery.views import delivery_page, leaf_hashes
from signatures.moderation.views import report_page
from signatures.public_list.api import api_page
from signatures.public_list.letters import letters_page
from signatures.public_list.views import countries_page, entry, signatories
from signatures.sharing.views import embed, letter_file, share_image_file, share_page
from signatures.signing.personal_views import personal_page, unsubscribe_page
from signatures.signing.views import answer_page, challenge, check_mail, letter_page, my_link, sign

urlpatterns = [
    path("", letter_page, name="first"),
    path("letters/", letters_page, name="letters"),
    path("my-link/", my_link, name="my-links"),
    path("my-link/sent/", answer_page, {"page": "signing/link_sent"}, name="links-sent"),
    path("letters/<slug:slug>/", letter_page, name="letter"),
    path("letters/<slug:slug>/sign/", sign, name="sign"),
    path("letters/<slug:slug>/challenge/", challenge, name="challenge"),
    path("letters/<slug:slug>/check-mail/", check_mail, name="check-mail"),
    path("letters/<slug:slug>/my-link/", my_link, name="my-link"),
    path("letters/<slug:slug>/my-link/sent/", answer_page, {"page": "signing/link_sent"}, name="link-sent"),
    path("letters/<slug:slug>/tell/", share_page, name="share"),
    path("letters/<slug:slug>/embed/", embed, name="embed"),
    path("letters/<slug:slug>/picture.png", share_image_file, name="share-image"),
    path("letters/<slug:slug>/letter.pdf", letter_file, name="letter-pdf"),
    path("letters/<slug:slug>/api/", api_page, name="api-page"),
    path("letters/<slug:slug>/signatories/", signatories, name="signatories"),
    path("letters/<slug:slug>/signatories/countries/", countries_page, name="countries"),
    path("letters/<slug:slug>/signatories/reported/", answer_page, {"page": "moderation/reported"}, name="reported"),
    path("letters/<slug:slug>/signatories/<uuid:public_id>/", entry, name="entry"),
    path("letters/<slug:slug>/signatories/<uuid:public_id>/report/", report_page, name="report"),
    path("deliveries/<slug:slug>/<int:number>/", delivery_page, name="delivery"),
    path("deliveries/<slug:slug>/<int:number>/leaves.csv", leaf_hashes, name="leaf-hashes"),
    path("no-updates/<str:token>/", unsubscribe_page, name="unsubscribe"),
    path("signature/<str:token>/", personal_page, name="signature"),
]
