"""Two spellings of one mailbox have one key; what no mail can reach is refused."""

import pytest

from signatures import mailboxes


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada@Example.org", "ada@example.ORG"),
        ("ada@bücher.example.org", "ada@xn--bcher-kva.example.org"),
        ("ａｄａ@example.org", "ada@example.org"),
        (" ada@example.org ", "ada@example.org"),
    ],
)
def test_spellings_of_one_mailbox_share_a_key(one: str, other: str) -> None:
    assert mailboxes.key(one, pepper="p") == mailboxes.key(other, pepper="p")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada@example.org", "adb@example.org"),
        ("ada@example.org", "ada@example.com"),
        ("mıke@example.org", "mike@example.org"),
    ],
)
def test_two_mailboxes_have_two_keys(one: str, other: str) -> None:
    assert mailboxes.key(one, pepper="p") != mailboxes.key(other, pepper="p")


def test_without_the_pepper_a_key_says_nothing() -> None:
    assert mailboxes.key("ada@example.org", pepper="p") != mailboxes.key("ada@example.org", pepper="q")


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.org",
        "a.b+c@example.co.uk",
        "김@example.org",
        "ada@xn--bcher-kva.example.org",
        "O'Brien@example.org",
    ],
)
def test_an_address_is_kept_as_typed(address: str) -> None:
    assert mailboxes.check(address) == address


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ada",
        "a@[127.0.0.1]",
        "a@localhost",
        "-a@-b.co",
        '"<script>"@x.co',
        "a@b.c,evil@x.org",
        "a@b c.org",
        "a\nb@example.org",
        "x" * 65 + "@example.org",
    ],
)
def test_what_no_mail_can_reach_is_refused(typed: str) -> None:
    with pytest.raises(mailboxes.NotAnAddress):
        mailboxes.check(typed)
