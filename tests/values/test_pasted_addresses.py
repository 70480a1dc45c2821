"""What people paste into the field for an email address: what keyboards and mail programs added is taken off."""

import pytest

from signatures.values import email_addresses

PASTED = [
    # Signs of a Japanese, Chinese or Korean keyboard.
    ("ada\uff20example.org", "ada@example.org"),
    ("ada\ufe6bexample.org", "ada@example.org"),
    ("ａｄａ＠ｅｘａｍｐｌｅ．ｏｒｇ", "ada@example.org"),
    ("ADA＿1＋x＠Example。org", "ADA_1+x@Example.org"),
    ("ada@example｡org\u3000", "ada@example.org"),
    ("ada＠例え。テスト．example.org", "ada@xn--r8jz45g.xn--zckzah.example.org"),
    # The end of a sentence or of a list.
    ("ada@example.org.", "ada@example.org"),
    ("ada@example.org,", "ada@example.org"),
    ("ada@example.org; ", "ada@example.org"),
    ("ada@example.org。", "ada@example.org"),
    ("ada@example.org、", "ada@example.org"),
    ("ada@example.org..", "ada@example.org"),
    *(
        (f"ada@example.org{end}", "ada@example.org")
        for end in ("،", "؛", "؟", "!", "…", "……", "।", "։", "·", "/", " - ")
    ),
    # The half of a pair that was copied with it.
    *((f"ada@example.org{end}", "ada@example.org") for end in (")", "）", ">", "」", "”", "’,", "<")),
    ("(ada@example.org)،", "ada@example.org"),
    # Invisible marks.
    ("\u200bada@example.org", "ada@example.org"),
    ("\ufeffada@example.org\u00a0", "ada@example.org"),
    ("\u202aada@example.org\u202c", "ada@example.org"),
    ("\u200fada@example.org\u200e", "ada@example.org"),
    ("ada@exam\u00adple.org", "ada@example.org"),
    ("ada\u2060@\u200cexample.org", "ada@example.org"),
    # Links, and what stands around an address in a mail program.
    ("mailto:ada@example.org", "ada@example.org"),
    ("MAILTO:ada%2Bx@example.org?subject=Hello", "ada+x@example.org"),
    ("<ada@example.org>", "ada@example.org"),
    ("Ada Lovelace <ada@example.org>", "ada@example.org"),
    ('"Lovelace, Ada" <ada@example.org>,', "ada@example.org"),
    ("에이다 ＜ada@example.org＞", "ada@example.org"),
    ("ada@example.org<mailto:ada@example.org>", "ada@example.org"),
    ("(ada@example.org)", "ada@example.org"),
    ("“ada@example.org”", "ada@example.org"),
    ("「ada@example.org」", "ada@example.org"),
    # The space that a phone puts after a dot.
    ("ada. lovelace@example.org", "ada.lovelace@example.org"),
    ("ada@example. org", "ada@example.org"),
    ("ada @ example.org", "ada@example.org"),
    ("ada@ mail. example.org", "ada@mail.example.org"),
    ("ada@\nexample.org", "ada@example.org"),
]
# Japanese carriers gave these out until 2009, and people keep them.
CARRIERS = ["a..b@docomo.ne.jp", "ab.@docomo.ne.jp", "a...b..@ezweb.ne.jp", "ab.@biz.ezweb.ne.jp", "a.-.b@au.com"]


@pytest.mark.parametrize(("typed", "taken"), PASTED)
def test_S5_what_was_pasted_around_an_address_is_taken_off(typed: str, taken: str) -> None:
    assert email_addresses.validate(typed) == taken
    assert email_addresses.validate(taken) == taken


@pytest.mark.parametrize("address", CARRIERS)
def test_the_dots_of_a_japanese_carrier_are_taken_with_and_without_quotes(address: str) -> None:
    local, _at, domain = address.partition("@")
    assert email_addresses.validate(address) == address
    assert email_addresses.validate(f'"{local}"@{domain.upper()}').lower() == address


@pytest.mark.parametrize(
    "typed", ["a..b@example.org", "ab.@example.org", "a..b@xdocomo.ne.jp", "a..b@docomo.ne.jp.example.org",
              ".ab@docomo.ne.jp", "..@docomo.ne.jp", '"a b"@docomo.ne.jp', "a..(b)@docomo.ne.jp"]
)  # fmt: skip
def test_nobody_else_gives_out_such_dots(typed: str) -> None:
    with pytest.raises(email_addresses.InvalidEmailAddress):
        email_addresses.validate(typed)


@pytest.mark.parametrize(
    "typed", ["用户@例子.中国", "김@example.org", "ädä@example.org", "ада@example.org", "m\u0131ke@example.org"]
)
def test_letters_beyond_ascii_before_the_at_sign_get_a_sentence_of_their_own(typed: str) -> None:
    with pytest.raises(email_addresses.InvalidEmailAddress, match="letters other than a to z before the @"):
        email_addresses.validate(typed)


@pytest.mark.parametrize(
    "typed",
    [
        "ada lovelace@example.org",
        "my address ada@example.org",
        "ada@example.org. Thanks",
        "ada@exam ple.org",
        "a da@b.org",
    ],
)
def test_S5_a_space_that_may_end_the_address_is_asked_about(typed: str) -> None:
    """To drop it could make the address of somebody else."""
    with pytest.raises(email_addresses.InvalidEmailAddress, match="cannot contain a space"):
        email_addresses.validate(typed)


@pytest.mark.parametrize(
    "typed", ["a@example.org, b@example.org", "a@b.org;c@d.org", "<a@b.org> <c@d.org>", "a@@b.org"]
)
def test_two_addresses_are_none(typed: str) -> None:
    with pytest.raises(email_addresses.InvalidEmailAddress):
        email_addresses.validate(typed)
