"""Ways to tell others: plain addresses. They load nothing, and nobody hears of it before somebody follows one."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, urlencode

# Where readers of Korean, Chinese and English talk to each other. None that ties an account to a real name known to
# the government the letter is written to: Weibo and WeChat are left out so that nobody is led there.
NETWORKS = {
    "WhatsApp": ("https://wa.me/", {"text": "{title}\n{address}"}),
    "Telegram": ("https://t.me/share/url", {"url": "{address}", "text": "{title}"}),
    "LINE": ("https://social-plugins.line.me/lineit/share", {"url": "{address}", "text": "{title}"}),
    "Naver": ("https://share.naver.com/web/shareView", {"url": "{address}", "title": "{title}"}),
    "Facebook": ("https://www.facebook.com/sharer/sharer.php", {"u": "{address}"}),
    "X": ("https://x.com/intent/post", {"text": "{title}", "url": "{address}"}),
    "LinkedIn": ("https://www.linkedin.com/sharing/share-offsite/", {"url": "{address}"}),
}


@dataclass(frozen=True, slots=True)
class ShareLink:
    name: str
    address: str


def network_links(address: str, title: str) -> Iterator[ShareLink]:
    """A link for each network, ready to be followed."""
    words = {"{address}": address, "{title}": title, "{title}\n{address}": f"{title}\n{address}"}
    for name, (page, fields) in NETWORKS.items():
        query = urlencode({field: words[value] for field, value in fields.items()}, quote_via=quote)
        yield ShareLink(name, f"{page}?{query}")


def mail_link(subject: str, *paragraphs: str) -> str:
    """A link that opens a new mail, to nobody yet."""
    fields = {"subject": " ".join(subject.split()), "body": "\r\n\r\n".join(paragraphs)}
    return f"mailto:?{urlencode(fields, quote_via=quote)}"
