"""A mailbox: what is an address, when two spellings are one, and who can read it."""

import pytest
from django.conf import settings

from signatures import mailboxes

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
]
DIFFERENT = [
    ("alice@example.org", "alice+x@example.org"),
    ("a.lice@example.org", "alice@example.org"),
    ("alice@outlook.com", "alice@hotmail.com"),
    ("a.lice@outlook.com", "alice@outlook.com"),
    ("alice@gmail.com", "alice@example.org"),
    ("alice@example.org", "alice@sub.example.org"),
    # CVE-2019-19844: look-alikes of one mailbox belong to somebody else.
    ("m\u0131ke@example.org", "mike@example.org"),
    ("stra\u00dfe@example.org", "strasse@example.org"),
    ("\u212aate@example.org", "kate@example.org"),
    ("\uff41da@example.org", "ada@example.org"),
    ("\ufb01nn@example.org", "finn@example.org"),
    ("\u017fam@example.org", "sam@example.org"),
    ("\u0430da@example.org", "ada@example.org"),
    ("É@example.org", "E@example.org"),
    ("alice@stra\u00dfe.example", "alice@strasse.example"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_S5_spellings_of_one_mailbox_share_a_key(one: str, other: str) -> None:
    assert mailboxes.key(one, pepper="p") == mailboxes.key(other, pepper="p")


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_S5_what_may_be_somebody_elses_mailbox_has_another_key(one: str, other: str) -> None:
    assert mailboxes.key(one, pepper="p") != mailboxes.key(other, pepper="p")


def test_without_the_pepper_the_key_says_nothing() -> None:
    assert mailboxes.key("ada@example.org", pepper="p") != mailboxes.key("ada@example.org", pepper="q")
    assert len(mailboxes.key("ada@example.org", pepper="p")) == 32


@pytest.mark.parametrize(
    "address", ["Ada.Lovelace@Example.org", "o'brien+x@example.org", "ada@bücher.example", "a@b.co"]
)
def test_an_address_is_kept_as_typed(address: str) -> None:
    assert mailboxes.check(address) == address


@pytest.mark.parametrize(
    "typed",
    ["", "ada", "ada@", "@example.org", "a@[127.0.0.1]", "a@localhost", "-a@b", '"<script>"@x.co', "a@b.c,evil@x.org",
     "a b@example.org", "a@b..org", "a@example.org\nBcc: x@y.z", "a" * 65 + "@example.org", "a@" + "b" * 250 + ".org",
     "a@example.org\x00", "\ud800@example.org", "김@example.org"],
)  # fmt: skip
def test_what_no_mail_can_be_sent_to_is_no_address(typed: str) -> None:
    with pytest.raises(mailboxes.NotAnAddress):
        mailboxes.check(typed)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("gmial.com", "gmail.com"), ("gamil.com", "gmail.com"), ("gmail.con", "gmail.com"), ("gmail.co", "gmail.com"),
        ("gmai.com", "gmail.com"), ("gmaill.com", "gmail.com"), ("GMIAL.COM", "gmail.com"), ("hotmial.com", "hotmail.com"),
        ("yaho.com", "yahoo.com"), ("outlok.com", "outlook.com"), ("iclod.com", "icloud.com"), ("naver.con", "naver.com"),
        ("hanmial.net", "hanmail.net"), ("daum.ent", "daum.net"), ("qq.con", "qq.com"), ("163.con", "163.com"),
        ("yandex.tu", "yandex.ru"), ("t-onlin.de", "t-online.de"),
    ],
)  # fmt: skip
def test_a_common_slip_is_noticed(typed: str, meant: str) -> None:
    assert mailboxes.slip(f"Ada.L@{typed}") == f"Ada.L@{meant}"


@pytest.mark.parametrize(
    "domain",
    ["gmail.com", "mail.com", "email.com", "ymail.com", "gmx.net", "gmx.de", "live.com", "msn.com", "me.com", "126.com",
     "yeah.net", "yandex.com", "hotmail.it", "yahoo.ca", "example.org", "hrnk.org", "pku.edu.cn"],
)  # fmt: skip
def test_a_domain_that_is_somebodys_home_is_no_slip(domain: str) -> None:
    assert mailboxes.slip(f"ada@{domain}") is None


def test_R3_sealed_addresses_are_equally_long_and_never_alike() -> None:
    sealed = {
        mailboxes.seal(address, public_key=settings.POST_PUBLIC_KEY)
        for address in ("a@b.org", "a@b.org", "a" * 60 + "@example.org")
    }
    assert len(sealed) == 3
    assert len({len(box) for box in sealed}) == 1


def test_who_has_the_private_half_reads_it_and_nobody_else() -> None:
    post, keeper = (mailboxes.read_private_key(settings.KEYS_DIR / f"{pair}.private") for pair in ("post", "keeper"))
    sealed = mailboxes.seal("Ada@example.org", public_key=settings.POST_PUBLIC_KEY)
    assert mailboxes.unseal(sealed, private_key=post) == "Ada@example.org"
    with pytest.raises(mailboxes.CannotOpen):
        mailboxes.unseal(sealed, private_key=keeper)
