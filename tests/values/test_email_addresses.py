"""A mailbox: what is an address, when two spellings are one, and who can read it."""

import pytest
from django.conf import settings
from django.core.mail.backends.smtp import EmailBackend

from signatures.values import email_addresses, sealing

SAME = [
    ("Ada@Example.org", "ada@example.ORG"),
    (" ada@example.org ", "ada@example.org"),
    ("ada@example.org.", "ada@example.org"),
    ("ada@bücher.example.org", "ada@xn--bcher-kva.example.org"),
    ("ada@BÜCHER.example.org", "ada@xn--bcher-kva.example.org"),
    ("ada@ｅxample.org", "ada@example.org"),
    ("ada@example。org", "ada@example.org"),
    ("A.l.i.c.e+x@gmail.com", "alice@gmail.com"),
    ("alice@googlemail.com", "alice@gmail.com"),
    ("al.ice+letters@GoogleMail.com", "ALICE@gmail.com"),
    ("alice+x@outlook.com", "alice@outlook.com"),
    ("alice+x@hotmail.com", "alice@hotmail.com"),
    ("alice+x@live.com", "alice@live.com"),
    ("alice@me.com", "alice@icloud.com"),
    ("alice+x@mac.com", "alice@icloud.com"),
    ("alice@protonmail.com", "alice@proton.me"),
    ("a-l.i_ce@pm.me", "alice@protonmail.ch"),
    ("alice+x@fastmail.com", "alice@fastmail.com"),
    ("alice.b@ya.ru", "alice-b@yandex.com"),
    ("alice+x@yandex.kz", "alice@yandex.ru"),
    ("alice@yandex.by", "ALICE@yandex.com"),
    ("alice@xn--strae-oqa.example.org", "alice@straße.example.org"),
    ("alice@XN--BCHER-KVA.example.org", "alice@b\u00fccher.example.org"),
    ("alice@bu\u0308cher.example.org", "alice@b\u00fccher.example.org"),
    ("alice@例え.テスト.example.org", "alice@例え。テスト．example｡org"),
    ("alice@\uff27mail.com", "a.lice@gmail.com"),
    ("alice+a+b@icloud.com", "alice@icloud.com"),
    ("alice+x@msn.com", "alice@MSN.com"),
    ("alice+x@fastmail.fm", "alice@fastmail.fm"),
]
DIFFERENT = [
    ("alice@example.org", "alice+x@example.org"),
    ("a.lice@example.org", "alice@example.org"),
    ("alice@outlook.com", "alice@hotmail.com"),
    ("a.lice@outlook.com", "alice@outlook.com"),
    ("alice@gmail.com", "alice@example.org"),
    ("alice-b@outlook.com", "aliceb@outlook.com"),
    ("alice@live.com", "alice@msn.com"),
    ("a.lice@icloud.com", "alice@icloud.com"),
    ("a.lice@fastmail.com", "alice@fastmail.com"),
    ("alice@fastmail.com", "alice@fastmail.fm"),
    ("alice_b@yandex.ru", "alice-b@yandex.ru"),
    ("aliceb@yandex.ru", "alice.b@yandex.ru"),
    ("al-ice@gmail.com", "alice@gmail.com"),
    ("alice+x@yahoo.com", "alice@yahoo.com"),
    ("alice+x@tuta.com", "alice@tuta.com"),
    ("alice@tutanota.com", "alice@tuta.com"),
    ("alice+x@zoho.com", "alice@zoho.com"),
    ("alice+x@gmail.com.example.org", "alice@gmail.com.example.org"),
    # Nothing before the plus, nothing but dots: no holder to fall back on.
    ("+x@gmail.com", "+y@gmail.com"),
    ("-@proton.me", "_@proton.me"),
    ("alice@example.org", "alice@sub.example.org"),
    # CVE-2019-19844: look-alikes of one mailbox belong to somebody else.
    ("m\u0131ke@example.org", "mike@example.org"),
    ("stra\u00dfe@example.org", "strasse@example.org"),
    ("\u212aate@example.org", "kate@example.org"),
    ("\uff41da@example.org", "ada@example.org"),
    ("\ufb01nn@example.org", "finn@example.org"),
    ("\u017fam@example.org", "sam@example.org"),
    ("\u0430da@example.org", "ada@example.org"),
    ("\u0130da@example.org", "ida@example.org"),
    ("\u03c3@example.org", "\u03c2@example.org"),
    ("\u00e1da@example.org", "\u00c1da@example.org"),
    ("m\u0131ke@gmail.com", "mike@gmail.com"),
    ("alice@m\u0131ke.example.org", "alice@mike.example.org"),
    ("É@example.org", "E@example.org"),
    ("alice@stra\u00dfe.example", "alice@strasse.example"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_S5_spellings_of_one_mailbox_share_a_key(one: str, other: str) -> None:
    assert sealing.address_hash(one, pepper="p") == sealing.address_hash(other, pepper="p")


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_S5_what_may_be_somebody_elses_mailbox_has_another_key(one: str, other: str) -> None:
    assert sealing.address_hash(one, pepper="p") != sealing.address_hash(other, pepper="p")


def test_without_the_pepper_the_key_says_nothing() -> None:
    assert sealing.address_hash("ada@example.org", pepper="p") != sealing.address_hash("ada@example.org", pepper="q")
    assert len(sealing.address_hash("ada@example.org", pepper="p")) == 32


@pytest.mark.parametrize(
    "address", ["Ada.Lovelace@Example.org", "o'brien+x@example.org", "ada@xn--bcher-kva.example.org", "a@b.co"]
)
def test_an_address_is_kept_as_typed(address: str) -> None:
    assert email_addresses.validate(f" {address}\n") == address


@pytest.mark.parametrize(
    ("typed", "sent_to"),
    [
        ("Ada.L+x@bücher.example.org", "Ada.L+x@xn--bcher-kva.example.org"),
        ("ada@Straße.example.org", "ada@xn--strae-oqa.example.org"),
        ("ada@ｅxample。org", "ada@example.org"),
    ],
)
def test_S5_the_mail_goes_to_the_domain_that_the_key_is_of(typed: str, sent_to: str) -> None:
    """Django by itself would send what is for straße.example to strasse.example."""
    address = email_addresses.validate(typed)
    assert address == sent_to
    assert email_addresses.canonical(address) == email_addresses.canonical(typed)
    assert EmailBackend.prep_address(EmailBackend.__new__(EmailBackend), address) == sent_to
    with pytest.raises(ValueError, match="non-ASCII"):
        EmailBackend.prep_address(EmailBackend.__new__(EmailBackend), "김@example.org")


@pytest.mark.parametrize(
    "typed",
    ["", "ada", "ada@", "@example.org", "a@[127.0.0.1]", "a@localhost", "-a@b", '"<script>"@x.co', "a@b.c,evil@x.org",
     "a b@example.org", "a@b..org", "a@example.org\nBcc: x@y.z", "a" * 65 + "@example.org", "a@" + "b" * 250 + ".org",
     "a@example.org\x00", "\ud800@example.org", "김@example.org", "a@[IPv6:::1]", "a@127.0.0.1", '"a b"@example.org',
     "Ada <ada@example.org", "a(b)@example.org", "mailto:", ".a@example.org", "a..b@example.org", "<>",
     "a@-example.org", "a@ex_ample.org", "a@example.local", "a@xn--a.org", "m\u0131ke@example.org", "a@example.org, b@example.org"],
)  # fmt: skip
def test_what_no_mail_can_be_sent_to_is_no_address(typed: str) -> None:
    with pytest.raises(email_addresses.InvalidEmailAddress):
        email_addresses.validate(typed)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("gmial.com", "gmail.com"), ("gamil.com", "gmail.com"), ("gmail.con", "gmail.com"), ("gmail.co", "gmail.com"),
        ("gmai.com", "gmail.com"), ("gmaill.com", "gmail.com"), ("GMIAL.COM", "gmail.com"), ("hotmial.com", "hotmail.com"),
        ("yaho.com", "yahoo.com"), ("outlok.com", "outlook.com"), ("iclod.com", "icloud.com"), ("naver.con", "naver.com"),
        ("hanmial.net", "hanmail.net"), ("daum.ent", "daum.net"), ("qq.con", "qq.com"), ("163.con", "163.com"),
        ("yandex.tu", "yandex.ru"), ("t-onlin.de", "t-online.de"), ("gmail.cm", "gmail.com"), ("gmail.comm", "gmail.com"),
        ("gmail.ocm", "gmail.com"), ("gnail.com", "gmail.com"), ("ggmail.com", "gmail.com"), ("hotmail.co", "hotmail.com"),
        ("yahooo.com", "yahoo.com"), ("yahoo.co.jpp", "yahoo.co.jp"), ("outlook.con", "outlook.com"), ("icloud.cmo", "icloud.com"),
        ("protonmial.com", "protonmail.com"), ("live.con", "live.com"), ("gmx.nte", "gmx.net"), ("web.ed", "web.de"),
        ("hanmail.ne", "hanmail.net"), ("kakoa.com", "kakao.com"), ("nate.con", "nate.com"), ("126.cm", "126.com"),
        ("foxmial.com", "foxmail.com"), ("docomo.me.jp", "docomo.ne.jp"), ("orang.fr", "orange.fr"), ("laposte.ent", "laposte.net"),
        ("mail.rru", "mail.ru"), ("rambler.r", "rambler.ru"), ("\uff27mial.com", "gmail.com"),
    ],
)  # fmt: skip
def test_a_common_typo_is_noticed(typed: str, meant: str) -> None:
    assert email_addresses.typo_suggestion(f"Ada.L@{typed}") == f"Ada.L@{meant}"


@pytest.mark.parametrize(
    "domain",
    ["gmail.com", "mail.com", "email.com", "ymail.com", "gmx.net", "gmx.de", "live.com", "msn.com", "me.com", "126.com",
     "yeah.net", "yandex.com", "hotmail.it", "yahoo.ca", "example.org", "hrnk.org", "pku.edu.cn", "gmx.com", "gmx.at",
     "aol.com", "mac.com", "qq.com", "163.com", "live.nl", "live.co.uk", "hotmail.dk", "hotmail.se", "yahoo.gr", "yahoo.com.tr",
     "yahoo.co.id", "yahoo.co.th", "outlook.es", "yandex.by", "yandex.kz", "inbox.lv", "bk.ru", "list.ru", "139.com", "263.com",
     "mate.com", "sinai.com", "aq.com", "web.dk", "gmx.fr", "tutanota.de", "tuta.com", "pm.me", "naver.co.jp", "free.fr",
     "163.net", "cloud.com", "gmail.example.org", "snu.ac.kr", "u-tokyo.ac.jp", "xn--bcher-kva.example.org", "a.b"],
)  # fmt: skip
def test_a_domain_that_exists_is_no_typo(domain: str) -> None:
    assert email_addresses.typo_suggestion(f"ada@{domain}") is None


def test_the_domain_is_that_of_the_dns() -> None:
    assert email_addresses.domain_of(" Ada@Bücher.Example.ORG. ") == "xn--bcher-kva.example.org"
    assert email_addresses.domain_of("ada@\u2488.org") == "\u2488.org"  # no domain at all: left alone


def test_S5_the_key_is_of_the_canonical_address() -> None:
    assert email_addresses.canonical("A.da+x@GoogleMail.com") == "ada@gmail.com"
    assert email_addresses.canonical("A.da+x@Example.org") == "a.da+x@example.org"


@pytest.mark.parametrize(
    "address", ["a" * 64 + "@" + "b" * 61 + "." + "c" * 60 + ".example.org", "ada@" + "ü" * 20 + ".example.org"]
)
def test_R3_no_address_is_too_long_to_be_padded(address: str) -> None:
    found = email_addresses.validate(address)
    assert len(sealing.seal(found, public_key=settings.OUTBOX_PUBLIC_KEY)) == len(
        sealing.seal("a@b.org", public_key=settings.OUTBOX_PUBLIC_KEY)
    )


def test_R3_sealed_addresses_are_equally_long_and_never_alike() -> None:
    sealed = {
        sealing.seal(address, public_key=settings.OUTBOX_PUBLIC_KEY)
        for address in ("a@b.org", "a@b.org", "a" * 60 + "@example.org")
    }
    assert len(sealed) == 3
    assert len({len(box) for box in sealed}) == 1


def test_who_has_the_private_half_reads_it_and_nobody_else() -> None:
    outbox, updates = (
        sealing.read_private_keys(settings.KEYS_DIR / f"{pair}.private") for pair in ("outbox", "updates")
    )
    sealed = sealing.seal("Ada@example.org", public_key=settings.OUTBOX_PUBLIC_KEY)
    assert sealing.unseal(sealed, private_keys=outbox) == "Ada@example.org"
    with pytest.raises(sealing.CannotUnseal):
        sealing.unseal(sealed, private_keys=updates)
