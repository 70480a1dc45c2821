"""Web addresses and ways to reach somebody, in the words of a submission, as those write them who advertise."""

import unicodedata

from campaign.runtime.regular_expressions import IGNORECASE, linear
from signatures.values import email_addresses

MIN_DOMAIN = 3  # letters of a domain before its end; shorter ones are rarely more than initials
MIN_PHONE = 7  # digits in a name or in that of an organization; nobody is called so
MOST_WORDS = 4  # after the domain in the name of an organization that is called by it

_LINK = linear(
    r"https?:|\bwww\s*\.|://|\bt\.me/|\bdot com\b"
    r"|\w\.(com|net|org|info|biz|io|cn|ru|kr|top|xyz|shop|site|link)\b",
    IGNORECASE,
)
# One space at most: what is typed has no two in a row.
_BRACKETED_DOT = linear(r"\s?[\[({]\s?(?:\.|dot)\s?[\])}]\s?", IGNORECASE)
_WORD_DOT = linear(r"\sdot\s", IGNORECASE)
_SPACED_DOT = linear(r"\s\.\s?(?=\w)")
_WIDE_DOT = linear(r"(?<=[A-Za-z0-9])。(?=[A-Za-z0-9])")
_WWW = linear(r"\bwww\b", IGNORECASE)
_HOST = linear(r"(?<![\w-])[\w-]+(?:\.[\w-]+)+")
# The name of a messenger, and then a number or what one is called there.
_MESSENGER = linear(
    r"(?:(?<![a-z])(?:whats\s?app|telegram|wechat|weixin|viber|skype|zalo|snapchat|discord|instagram|tiktok|signal|qq|line\s?id"
    r"|kakao(?:\s?talk)?)|微信|威信|카카오톡|카톡|텔레그램|ватсап|телеграм|واتساب|تلغرام|تيليجرام)"
    r"\s?(?:id|号|號|아이디)?\s?(?:[:=@]\s?\w|\+?\w{0,20}\d)",
    IGNORECASE,
)
_SMALL_WORDS = frozenset({"of", "for", "the", "and", "in", "de", "la", "du", "des", "et", "y", "en", "für", "und"})
# What no organization that is called by its domain has beside it.
_SOLD = frozenset({
    "bet", "bets", "betting", "bitcoin", "bonus", "buy", "casino", "casinos", "cheap", "click",
    "coin", "coins", "credit", "crypto", "discount", "earn", "escort", "forex", "free", "jackpot",
    "loan", "loans", "money", "now", "pharmacy", "pills", "poker", "promo", "sale", "sell",
    "sex", "slots", "viagra", "visit", "win",
})  # fmt: skip
_SOLD_IN_CJK = ("赌", "博彩", "彩票", "贷款", "買い", "购买", "카지노", "토토", "대출", "カジノ")


def has_advert(line: str, *, is_name: bool, of_organization: bool) -> bool:
    """Returns whether a line has a web address, or a number or name at a messenger.

    Args:
        line: what was typed.
        is_name: in a name each domain of the world counts and spaces hide none; not in a text, where people forget the
            space after a full stop. Nobody forgets brackets around a dot: example[.]com.
        of_organization: some organizations are called by their domain: it stands first then.
    """
    plain = unicodedata.normalize("NFKC", line)
    plain = _SPACED_DOT.sub(".", plain.replace("。", ".")) if is_name else _WIDE_DOT.sub(".", plain)
    if _MESSENGER.search(plain) or (is_name and _WWW.search(plain)):
        return True
    if (is_name or of_organization) and sum(c.isdecimal() for c in plain) >= MIN_PHONE:
        return True
    return _has_link(plain, any_domain=is_name, of_organization=of_organization)


def _has_link(line: str, *, any_domain: bool, of_organization: bool) -> bool:
    first, _space, rest = line.partition(" ")
    first = first.rstrip(",;:")
    is_called_so = (
        of_organization and not first.startswith("www.") and first.replace(".", "").replace("-", "").isalnum()
    )
    if is_called_so and _is_domain(first) and not _goes_on_as_name(rest):
        return True
    looked_at = rest if is_called_so else line
    unbracketed = _BRACKETED_DOT.sub(".", looked_at)
    plain = _WORD_DOT.sub(".", unbracketed)
    hosts = _HOST.findall(plain if any_domain else unbracketed)
    return bool(_LINK.search(plain)) or any(_is_domain(host) for host in hosts if any_domain or host not in looked_at)


def _goes_on_as_name(rest: str) -> bool:
    """Returns whether this can stand behind the domain in the name of an organization: capitalized words, and few."""
    words = [word.strip("()[],;:\u2013\u2014-|&") for word in rest.split()]
    words = [word for word in words if word]
    return (
        len(words) <= MOST_WORDS
        and all(not word.islower() or word in _SMALL_WORDS for word in words)
        and _SOLD.isdisjoint(word.lower() for word in words)
        and not any(sold in rest for sold in _SOLD_IN_CJK)
    )


def _is_domain(host: str) -> bool:
    """Returns whether this is a domain, and not initials and a name without a space (`A.Li`, `J.Black`, `M.Sc`)."""
    registered = email_addresses.registered_part(host.lower()).partition(".")[0]
    is_typed_so = host.isupper() or host.rpartition(".")[2] == host.rpartition(".")[2].lower()
    return is_typed_so and len(registered) >= (MIN_DOMAIN if host.isascii() else 2)
