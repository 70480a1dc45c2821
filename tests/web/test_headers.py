"""Security headers, the same-origin guard, and requests that must not cause a server error."""

import logging
import sys
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from campaign.models import Letter
from campaign.runtime.logs import RedactingFormatter
from signatures.models import Signature, Submission
from signatures.values import tokens

pytestmark = pytest.mark.django_db
SIGN = "/letters/bridge/sign/"
EXPECTED = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


def check(answer: Any) -> None:
    for name, value in EXPECTED.items():
        assert answer[name] == value, name
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    for directive in ("frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"):
        assert directive in policy
    assert "camera=()" in answer["Permissions-Policy"]
    assert answer["Cross-Origin-Resource-Policy"] in {"same-origin", "cross-origin"}


@pytest.mark.parametrize(
    ("address", "status"),
    [("/", 200), ("/letters/bridge/", 200), ("/letters/bridge/signatories/", 200), ("/letters/bridge/history/", 200), ("/letters/bridge/check-mail/", 200),
     ("/letters/bridge/signatories/countries/", 200), ("/letters/bridge/signatories/reported/", 200), ("/privacy/", 200), ("/robots.txt", 200), ("/sitemap.xml", 200), ("/api/v1/letters/bridge/", 200), ("/api/v1/letters/nix/", 404),
     ("/letters/bridge/tell/", 200), ("/letters/bridge/api/", 200), ("/letters/bridge/picture.png", 200), ("/letters/nix/embed/", 404), ("/healthz", 200), ("/readyz", 503), ("/admin/login/", 200), ("/admin/", 302),
     ("/nix/", 404), ("/signature/x/", 404), ("/letters/bridge/signatories/?after=x", 400), (SIGN, 303)],
)  # fmt: skip
def test_P9_every_address_has_the_headers(client: Client, ada: Signature, address: str, status: int) -> None:
    answer = client.get(address)
    assert answer.status_code == status or address == "/readyz"
    check(answer)
    if "public" not in answer["Cache-Control"]:
        assert "no-store" in answer["Cache-Control"] or address.startswith("/admin")


def test_P9_error_pages_have_the_headers_too(client: Client, form: dict[str, str], monkeypatch: Any) -> None:
    check(client.post(SIGN, {}))
    check(client.post(SIGN, form, headers={"sec-fetch-site": "cross-site"}))
    check(client.get("/", headers={"host": "evil.example"}))
    client.raise_request_exception = False
    monkeypatch.setattr("signatures.signing.submission.submit", lambda *_args, **_more: 1 / 0)
    broken = client.post(SIGN, form)
    assert broken.status_code == 500
    assert "Something broke on our side" in broken.content.decode() and "ZeroDivision" not in broken.content.decode()
    check(broken)


def test_P9_no_cached_page_has_a_nonce(client: Client, ada: Signature) -> None:
    for address in ("/", "/letters/bridge/signatories/", "/privacy/"):
        answer = client.get(address)
        assert "nonce" not in answer["Content-Security-Policy"] and "nonce" not in answer.content.decode()


def test_P8_personal_pages_and_admin_are_not_cacheable(client: Client, admin_client: Client, ada: Signature) -> None:
    assert client.get(f"/signature/{tokens.personal_token(ada.public_id)}/")["Cache-Control"] == "no-store"
    assert "no-store" in admin_client.get("/admin/")["Cache-Control"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "same-origin", "origin": "null"}, 303),
        ({"sec-fetch-site": "none"}, 303),
        ({}, 303),
        ({"origin": "null"}, 303),
        ({"origin": "http://testserver"}, 303),
        ({"origin": "http://localhost:8000"}, 303),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "cross-site", "origin": "http://testserver"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "http://testserver.evil.example"}, 403),
    ],
)
def test_S25_forms_are_accepted_from_the_same_origin_only(
    client: Client, form: dict[str, str], headers: dict[str, str], status: int
) -> None:
    answer = client.post(SIGN, form, headers=headers)
    assert answer.status_code == status
    if status == 403:
        assert "Dora" not in answer.content.decode(), "nothing is echoed"
        assert not Submission.objects.exists()


def test_S25_the_personal_page_is_guarded_too(client: Client, ada: Signature) -> None:
    answer = client.post(
        f"/signature/{tokens.personal_token(ada.public_id)}/",
        {"action": "withdraw"},
        headers={"origin": "https://evil.example"},
    )
    assert answer.status_code == 403
    ada.refresh_from_db()
    assert ada.state == "approved"


def test_S25_admin_keeps_djangos_own_protection(cleo: Signature, moderator: Any) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(moderator)
    assert (
        strict.post(
            "/admin/signatures/signature/", {"action": "approve", "_selected_action": [cleo.pk], "index": "0"}
        ).status_code
        == 403
    )
    cleo.refresh_from_db()
    assert cleo.state == "waiting"


BODIES = [
    b"", b"\x00" * 50, b"name=%00", b"name=%ff%fe", b"name=" + b"%ED%A0%80", b"&" * 2000, b"&".join(b"a%d=1" % n for n in range(5000)), b"=" * 100,
    b"name=" + b"x" * 3_000_000, b"\xff" * 1000, b"kind[]=1&name[$ne]=1", b"text=%C0%AF", b"name=%u0041",
]  # fmt: skip
TYPES = [
    "application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=x", "application/json",
    "text/plain", "multipart/form-data; boundary=" + "y" * 300, "application/x-www-form-urlencoded; charset=nix",
]  # fmt: skip


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("body", range(len(BODIES)))
def test_S13_no_request_body_causes_a_server_error(client: Client, letter: Letter, body: int, kind: str) -> None:
    for address in (SIGN, "/signature/x/", "/letters/bridge/signatories/"):
        answer = client.generic("POST", address, BODIES[body], content_type=kind)
        assert answer.status_code in {400, 404, 405, 413, 422}, (address, answer.status_code)


@pytest.mark.parametrize(
    "address", [SIGN, "/letters/bridge/my-link/", "/signature/x/", "/no-updates/x/", "/admin/login/"]
)
def test_S13_large_uploads_by_strangers_are_refused(
    client: Client, letter: Letter, officer: User, address: str
) -> None:
    file = SimpleUploadedFile("letter.txt", b"x" * 3_000_000)
    assert client.post(address, {"name": file}).status_code == 400
    client.force_login(officer)  # who may send a list from paper to its own page, and nothing larger to this one
    of_staff = "/admin/signatures/paperimport/"
    for page, is_refused in ((address, not address.startswith("/admin/")), (of_staff, False)):
        file.seek(0)
        assert (client.post(page, {"name": file}).status_code == 400) == is_refused, page


@pytest.mark.parametrize(
    "field",
    [
        "name",
        "role",
        "organization",
        "comment",
        "country",
        "email",
        "kind",
        "visibility",
        "text",
        "stamp",
        "website",
        "updates",
        "consent",
    ],
)
@pytest.mark.parametrize(
    "value",
    [
        "\x00",
        "a\x00b",
        "\ufffd",
        "\u202e",
        "\U000e0041",
        "\ue000",
        "\U0001f600" * 500,
        "%s%n",
        "' OR 1=1 --",
        "{{7*7}}",
        "\x1b[31m",
        "=1+1",
    ],
)
def test_S13_no_form_value_causes_a_server_error(client: Client, form: dict[str, str], field: str, value: str) -> None:
    assert client.post(SIGN, {**form, field: value}).status_code in {303, 422}


@pytest.mark.parametrize(
    "path",
    [
        "/%00",
        "/%ff",
        "/letters/%00/",
        "/letters/bridge/sign/%2e%2e/",
        "//evil.example/",
        "/signature/%00/",
        "/signature/" + "a" * 5000 + "/",
        "/letters/bridge/signatories/?q=%ff%00",
        "/letters/bridge/signatories/?country=%00",
        "/ko/nix/",
        "/?%00",
    ],
)
def test_S13_no_address_causes_a_server_error(client: Client, letter: Letter, path: str) -> None:
    assert client.generic("GET", "/").status_code == 200
    answer = client.get(path)
    assert answer.status_code < 500


def test_P10_the_canonical_address_comes_from_the_settings(client: Client, ada: Signature, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["evil.example"]
    assert "evil.example" not in client.get("/", headers={"host": "evil.example"}).content.decode()


def test_logs_hold_no_link_no_address_and_no_second_line() -> None:
    record = logging.LogRecord(
        "x", logging.ERROR, "f", 1, "GET /signature/abc.def/ by ada@example.org\nfake line \x1b[31m", None, None
    )
    line = RedactingFormatter().format(record)
    assert "abc.def" not in line and "ada@" not in line and "\n" not in line and "\x1b" not in line
    try:
        int("Ada Lovelace")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "failed", None, sys.exc_info())
    line = RedactingFormatter().format(record)
    assert "Ada" not in line and '"ValueError"' in line and "tests/web/test_headers.py" in line
