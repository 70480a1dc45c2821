"""An authority time-stamps the statement (RFC 3161), and an auditor countersigns it: each makes another edition."""

import hashlib
import subprocess
import threading
import time
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.test import Client

from campaign.models import Letter
from campaign.runtime import certificates, minisign
from signatures import checks
from signatures.delivery import attestations, building, freezing, time_stamps
from signatures.delivery.checker import check
from signatures.models import AuditEntry, Delivery, Signature
from signatures.signing import withdrawal
from signatures.transitions import TransitionNotAllowed
from tests.delivery.factories import make_delivery, make_files, path_of
from tests.delivery.tamperings import with_stray_bit
from tests.factories import make_signature
from tests.programs import installed

CONFIGURATION = """
[tsa]
default_tsa = here
[here]
dir = {folder}
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
"""
PAGES = "/admin/signatures/delivery/"


def openssl(*arguments: str | Path) -> str:
    done = subprocess.run([installed("openssl"), *arguments], capture_output=True, text=True, check=False)
    return f"{done.returncode} {done.stdout}{done.stderr}"


PURPOSE = "extendedKeyUsage=critical,timeStamping"


class Authority:
    """A time stamp authority of its own, by openssl: its own root, unless it has an issuer."""

    def __init__(self, folder: Path, *, extension: str = PURPOSE, issuer: "Authority | None" = None) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "serial").write_text("01")
        (folder / "ts.cnf").write_text(CONFIGURATION.format(folder=folder))
        by = ("-CA", issuer.folder / "ca.pem", "-CAkey", issuer.folder / "key.pem") if issuer else ()
        made = openssl(
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={folder.name.title()}", "-set_serial",
            "8" if issuer else "7", "-addext", extension, *by, "-keyout", folder / "key.pem", "-out", folder / "ca.pem",
        )  # fmt: skip
        assert made.startswith("0 "), made
        self.chain: tuple[str | Path, ...] = ()
        self.certificate = load_pem_x509_certificate((folder / "ca.pem").read_bytes())

    def reply(self, query: bytes) -> bytes:
        (self.folder / "q.tsq").write_bytes(query)
        out = self.folder / "r.tsr"
        said = openssl(
            "ts", "-reply", "-config", self.folder / "ts.cnf", "-queryfile", self.folder / "q.tsq", "-out", out,
            "-signer", self.folder / "ca.pem", "-inkey", self.folder / "key.pem",
            *self.chain,
        )  # fmt: skip
        assert said.startswith("0 "), said
        return out.read_bytes()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


@pytest.fixture
def served(authority: Authority, settings: Any) -> Iterator[list[bytes]]:
    """What the authority is asked over HTTP."""
    asked: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(authority.reply(asked[-1]))

        def log_message(self, *_words: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.TIMESTAMP_URL = f"http://127.0.0.1:{server.server_port}/tsr"
        yield asked
        server.shutdown()


@pytest.mark.django_db(transaction=True)
def test_E18_the_build_has_the_statement_time_stamped_and_openssl_accepts_it(
    letter: Letter, ada: Signature, authority: Authority, served: list[bytes], settings: Any, tmp_path: Path
) -> None:
    settings.DELIVERIES_DIR = tmp_path / "deliveries"
    delivery = freezing.freeze(letter, by=None, reason="the hearing")
    building.build(delivery.pk)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.failure, delivery.editions.count()) == ("ready", "", 1)
    (query,) = served
    assert bytes.fromhex(delivery.digest) in query and b"Ada" not in query
    with zipfile.ZipFile(path_of(delivery)) as bundle:
        (tmp_path / "statement.tsr").write_bytes(bundle.read("bridge-1/statement.tsr"))
    said = openssl(
        "ts", "-verify", "-digest", delivery.digest, "-in", tmp_path / "statement.tsr", "-CAfile",
        authority.folder / "ca.pem",
    )  # fmt: skip
    assert "Verification: OK" in said, said


@pytest.mark.django_db(transaction=True)
def test_without_network_the_request_lies_ready_and_the_reply_is_taken_in_later(
    letter: Letter, ada: Signature, authority: Authority, settings: Any, tmp_path: Path, officer: User, client: Client
) -> None:
    settings.TIMESTAMP_URL, settings.DELIVERIES_DIR = "http://127.0.0.1:9/", tmp_path / "deliveries"
    delivery = freezing.freeze(letter, by=None, reason="the hearing")
    building.build(delivery.pk)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.failure, delivery.time_stamp) == ("ready", "", None)
    client.force_login(officer)
    assert "Download the request" in client.get(f"{PAGES}{delivery.pk}/change/").content.decode()
    query = client.post(f"{PAGES}{delivery.pk}/files/time-stamp-request/").content

    step = f"{PAGES}{delivery.pk}/step/time-stamp/"
    refused = client.post(step, {"reply": SimpleUploadedFile("x.tsr", b"no reply")})
    assert refused.status_code == 422 and "no reply of a time stamp authority" in refused.content.decode()
    assert client.post(step, {"reply": SimpleUploadedFile("x.tsr", authority.reply(query))}).status_code == 302

    assert building.unfinished() == [delivery.pk]
    building.build(delivery.pk)
    assert list(delivery.editions.values_list("number", "reason")) == [(1, "made"), (2, "time-stamp")]
    assert "statement.tsr" in delivery.editions.get(number=2).files
    assert "Download the request" not in client.get(f"{PAGES}{delivery.pk}/change/").content.decode()
    assert "statement.tsr in the package" in client.get("/deliveries/bridge/1/").content.decode()


OTHER_PURPOSE = "extendedKeyUsage=critical,serverAuth"  # as long as that of an authority


def _with_certificate_of_another_purpose(authority: Authority, reply: bytes) -> bytes:
    """Returns the reply with a certificate of the same key, name and number in it, which is that of a web server."""
    out = authority.folder / "other.der"
    made = openssl(
        "req", "-x509", "-key", authority.folder / "key.pem", "-subj", "/CN=Authority", "-set_serial", "7", "-addext",
        OTHER_PURPOSE, "-outform", "DER", "-out", out,
    )  # fmt: skip
    own, other = authority.certificate.public_bytes(Encoding.DER), out.read_bytes()
    assert made.startswith("0 ") and own in reply and len(own) == len(other)
    return reply.replace(own, other)


@pytest.mark.django_db
@pytest.mark.parametrize("known", [False, True], ids=["without_a_root", "with_the_root_of_the_authority"])
def test_E18_a_time_stamp_whose_signature_is_wrong_is_refused(
    letter: Letter, ada: Signature, authority: Authority, settings: Any, known: bool
) -> None:
    settings.TIMESTAMP_CERTIFICATES = [authority.certificate] if known else []
    delivery = make_delivery(letter)
    reply = authority.reply(attestations.time_stamp_request(delivery))
    in_the_signature, in_the_time = reply[:-1] + bytes([reply[-1] ^ 1]), bytearray(reply)
    in_a_version = bytearray(reply)
    in_the_time[reply.index(b"\x18\x0f20") + 5] ^= 1  # another year
    in_a_version[reply.index(b"\xa0\x03\x02\x01\x02") + 4] ^= 1  # of the certificate
    with pytest.raises(TransitionNotAllowed, match="no reply of a time stamp authority"):
        attestations.add_time_stamp(delivery, by=None, reply=bytes(in_a_version))
    other_purpose = _with_certificate_of_another_purpose(authority, reply)
    for changed in (in_the_signature, bytes(in_the_time), other_purpose):
        with pytest.raises(TransitionNotAllowed, match="This time stamp was changed, or it is not signed"):
            attestations.add_time_stamp(delivery, by=None, reply=changed)
    delivery.refresh_from_db()
    assert delivery.time_stamp is None
    attestations.add_time_stamp(delivery, by=None, reply=reply)


@pytest.mark.django_db
def test_E18_the_time_stamp_of_another_authority_than_the_configured_one_is_refused(
    letter: Letter, ada: Signature, authority: Authority, settings: Any, tmp_path: Path, officer: User, client: Client
) -> None:
    delivery, other = make_delivery(letter), Authority(tmp_path / "other")
    step = f"{PAGES}{delivery.pk}/step/time-stamp/"
    client.force_login(officer)
    assert "this does not prove who the authority is" in client.get(step).content.decode()
    settings.TIMESTAMP_CERTIFICATES = [other.certificate]
    assert "must lead to the root certificate" in client.get(step).content.decode()
    reply = authority.reply(attestations.time_stamp_request(delivery))
    refused = client.post(step, {"reply": SimpleUploadedFile("x.tsr", reply)})
    assert refused.status_code == 422
    assert "not signed by the authority of TIMESTAMP_CERTIFICATE_FILE" in refused.content.decode()
    settings.TIMESTAMP_CERTIFICATES = [other.certificate, authority.certificate]
    assert client.post(step, {"reply": SimpleUploadedFile("x.tsr", reply)}).status_code == 302


@pytest.mark.django_db
def test_a_time_stamp_that_holds_no_root_needs_that_of_the_authority(
    letter: Letter, ada: Signature, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = Authority(tmp_path / "root", extension="keyUsage=keyCertSign")
    below = Authority(tmp_path / "below the root, and with a longer name", issuer=root)
    delivery = make_delivery(letter)
    reply = below.reply(attestations.time_stamp_request(delivery))
    with pytest.raises(TransitionNotAllowed, match="name that of the authority in TIMESTAMP_CERTIFICATE_FILE"):
        attestations.add_time_stamp(delivery, by=None, reply=reply)
    name = "TIMESTAMP_CERTIFICATE_FILE"
    monkeypatch.setenv(name, str(below.folder / "ca.pem"))
    with pytest.raises(ImproperlyConfigured, match=f"{name} holds no root certificate"):
        certificates.from_setting(name)
    monkeypatch.setenv(name, str(root.folder / "ca.pem"))
    settings.TIMESTAMP_CERTIFICATES = certificates.from_setting(name)
    time_stamps.verify(reply, bytes(delivery.statement_sha256 or b""))
    settings.TIMESTAMP_CERTIFICATES = []
    below.chain = ("-chain", root.folder / "ca.pem")
    reply = below.reply(attestations.time_stamp_request(delivery))
    own, of_root = (each.certificate.public_bytes(Encoding.DER) for each in (below, root))
    assert reply.index(own) < reply.index(of_root) and own > of_root, "in the order of the chain, not of a set"
    attestations.add_time_stamp(delivery, by=None, reply=reply)
    assert bytes(Delivery.objects.get().time_stamp or b"") == reply, "kept as it came"


def test_whoever_asks_for_time_stamps_is_warned_that_any_authority_is_believed(
    authority: Authority, settings: Any
) -> None:
    settings.TIMESTAMP_URL, settings.TIMESTAMP_CERTIFICATES = "https://stamps.example.org/", []
    assert [warning.id for warning in checks.the_authority_of_time_stamps()] == ["signatures.W002"]
    settings.TIMESTAMP_CERTIFICATES = [authority.certificate]
    assert [*checks.the_authority_of_time_stamps()] == []


GRANTED_WITHOUT_TOKEN = bytes.fromhex("30053003020100")


@pytest.mark.django_db
def test_a_reply_that_is_granted_and_holds_no_time_stamp_is_refused(letter: Letter, ada: Signature) -> None:
    with pytest.raises(TransitionNotAllowed, match="no reply of a time stamp authority"):
        attestations.add_time_stamp(make_delivery(letter), by=None, reply=GRANTED_WITHOUT_TOKEN)


@pytest.mark.django_db
def test_an_authority_leads_to_no_other_address_and_makes_no_build_wait(
    letter: Letter, ada: Signature, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.send_response(302 if self.path == "/away" else 200)
            self.send_header("Location", "/inside")
            self.end_headers()
            for _each in range(100 if self.path == "/slow" else 0):
                self.wfile.write(b"x")
                time.sleep(0.1)

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *_words: object) -> None:
            pass

    monkeypatch.setattr(attestations, "ALTOGETHER", 0.5)
    delivery = make_delivery(letter)
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for path in ("/away", "/slow"):
            settings.TIMESTAMP_URL = f"http://127.0.0.1:{server.server_port}{path}"
            began = time.monotonic()
            attestations.fetch_time_stamp(delivery)
            assert time.monotonic() - began < 5
        server.shutdown()
    assert asked == ["/away", "/slow"]
    delivery.refresh_from_db()
    assert delivery.time_stamp is None


@pytest.mark.django_db
def test_a_countersignature_that_no_checker_reads_is_refused(letter: Letter, ada: Signature, tmp_path: Path) -> None:
    delivery = make_delivery(letter, tmp_path)
    (tmp_path / "statement.json").write_text(delivery.statement)
    for words in (["-GW", "-p", "a.pub", "-s", "a.key"], ["-S", "-l", "-W", "-s", "a.key", "-m", "statement.json"]):
        subprocess.run([installed("minisign"), *words], cwd=tmp_path, check=True, capture_output=True)
    key = (tmp_path / "a.pub").read_text().splitlines()[1]
    signature = (tmp_path / "statement.json.minisig").read_text()
    with pytest.raises(TransitionNotAllowed, match="no prehashed signature"):
        attestations.countersign(delivery, by=None, key=key, signature=signature)


@pytest.fixture
def auditor() -> minisign.SecretKey:
    return minisign.SecretKey.generate()


def signed_by(auditor: minisign.SecretKey, delivery: Delivery) -> str:
    return auditor.sign(delivery.statement.encode(), name="statement.json", timestamp=1_800_000_000)


@pytest.mark.django_db
def test_what_is_taken_in_is_what_the_checker_accepts(
    letter: Letter, ada: Signature, auditor: minisign.SecretKey, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same bytes in a base64 that is not their own one; and whatever a checker may refuse."""
    delivery = make_delivery(letter)
    odd = with_stray_bit(signed_by(auditor, delivery).encode()).decode()
    with pytest.raises(TransitionNotAllowed, match="it is no prehashed signature file of minisign"):
        attestations.countersign(delivery, by=None, key=auditor.public, signature=odd)
    with pytest.raises(TransitionNotAllowed, match="is no public key of minisign"):
        attestations.countersign(delivery, by=None, key="RWQ", signature=signed_by(auditor, delivery))
    monkeypatch.setattr(check, "check_time_stamp", lambda _parts, _notes: iter(["It is refused."]))
    with pytest.raises(TransitionNotAllowed, match=r"No recipient could check it\. It is refused\."):
        reply = authority.reply(attestations.time_stamp_request(delivery))
        attestations.add_time_stamp(delivery, by=None, reply=reply)
    delivery.refresh_from_db()
    assert (delivery.countersignature, delivery.time_stamp, delivery.remake_wanted) == ("", None, False)


@pytest.mark.django_db
def test_a_countersignature_with_any_characters_in_its_comment_is_taken_in(
    letter: Letter, ada: Signature, auditor: minisign.SecretKey, tmp_path: Path
) -> None:
    delivery = make_delivery(letter, tmp_path)
    signature = auditor.sign(delivery.statement.encode(), name="a\u2028b\x85c", timestamp=1).replace("\n", "\r\n")
    attestations.countersign(delivery, by=None, key=f" {auditor.public}\n", signature=f"\n{signature}\n")
    delivery.refresh_from_db()
    result = check.check(make_files(delivery, tmp_path), check.Expected(auditor_key=auditor.public))
    assert (result.faults, delivery.auditor_key) == ([], auditor.public)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["statement.json.auditor.minisig", "statement.tsr"])
def test_R8_who_is_erased_leaves_the_files_although_what_was_taken_in_is_refused(
    letter: Letter, ada: Signature, auditor: minisign.SecretKey, tmp_path: Path, client: Client, name: str,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """A former version took in what the checker of every package refuses, and nobody can replace it."""
    ben = make_signature(letter, "Ben Canary")
    delivery = make_delivery(letter, tmp_path)
    odd = with_stray_bit(signed_by(auditor, delivery).encode()).decode()
    taken: dict[str, dict[str, Any]] = {
        "statement.json.auditor.minisig": {"countersignature": odd, "auditor_key": auditor.public},
        "statement.tsr": {"time_stamp": GRANTED_WITHOUT_TOKEN},
    }
    Delivery.objects.update(**taken[name])
    withdrawal.erase(ben)
    delivery.refresh_from_db()
    package = make_files(delivery, tmp_path)
    result = check.check(package, check.Expected(digest=delivery.digest))
    assert (result.faults, result.code) == ([], check.BLANKED)
    with zipfile.ZipFile(package) as bundle:
        assert f"bridge-1/{name}" not in bundle.namelist()
        assert b"Ben Canary" not in bundle.read("bridge-1/signatories.csv")
        assert name.encode() not in bundle.read("bridge-1/READ-ME.txt")
    assert delivery.editions.get(number=2).reason == "erased"
    made = AuditEntry.objects.filter(action="make-edition").latest("pk")
    assert (made.detail["edition"], made.detail["left_out"]) == (2, name)
    assert f"bridge-1 is made without {name}, which was taken in: {name}: it is n" in caplog.text
    page = client.get("/deliveries/bridge/1/").content.decode()
    assert auditor.public not in page and "statement.tsr in the package" not in page, (
        "the page says what the files hold"
    )


@pytest.mark.django_db
def test_the_time_stamp_of_another_statement_is_refused(letter: Letter, ada: Signature, authority: Authority) -> None:
    first, second = make_delivery(letter), make_delivery(letter)
    reply = authority.reply(attestations.time_stamp_request(first))
    with pytest.raises(TransitionNotAllowed, match="another statement"):
        attestations.add_time_stamp(second, by=None, reply=reply)
    attestations.add_time_stamp(first, by=None, reply=reply)
    with pytest.raises(TransitionNotAllowed, match="one already"):
        attestations.add_time_stamp(first, by=None, reply=reply)
    with pytest.raises(IntegrityError, match="an attestation of a delivery stays"), transaction.atomic():
        Delivery.objects.update(time_stamp=b"x")


@pytest.mark.django_db
def test_E18_an_auditor_countersigns_and_the_next_edition_and_the_page_have_it(
    letter: Letter, ada: Signature, officer: User, client: Client, auditor: minisign.SecretKey, tmp_path: Path
) -> None:
    delivery = make_delivery(letter, tmp_path)
    signature = signed_by(auditor, delivery)
    client.force_login(officer)
    step, key = f"{PAGES}{delivery.pk}/step/countersign/", auditor.public
    other = auditor.sign(b"another statement", name="statement.json", timestamp=1_800_000_000)
    refused = client.post(step, {"key": key, "signature": other})
    assert refused.status_code == 422 and "it is not the signature of statement.json." in refused.content.decode()
    assert client.post(step, {"key": key, "signature": signature.replace("\n", "\r\n")}).status_code == 302

    delivery.refresh_from_db()
    assert delivery.remake_wanted and (delivery.countersignature, delivery.auditor_key) == (signature, key)
    assert AuditEntry.objects.get(action="countersign").staff_id == officer.pk
    make_files(delivery, tmp_path)
    with zipfile.ZipFile(tmp_path / "bridge-1.zip") as bundle:
        packed = bundle.read("bridge-1/statement.json.auditor.minisig")
    assert packed == signature.encode()
    edition = delivery.editions.get(number=2)
    assert edition.reason == "auditor"
    digest = edition.files["statement.json.auditor.minisig"]
    assert digest == hashlib.sha256(packed).hexdigest()
    assert key in client.get("/deliveries/bridge/1/").content.decode()
    assert "step/countersign" not in client.get(f"{PAGES}{delivery.pk}/change/").content.decode()
