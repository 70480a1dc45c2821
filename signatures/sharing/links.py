"""Links to share a letter: plain addresses. They load nothing; a network learns of a reader who follows one."""

from collections.abc import Iterator
from urllib.parse import quote, urlencode

# Networks that readers of Korean, Chinese and English use. Weibo and WeChat are left out on purpose: they tie accounts
# to real names that the government to which the shipped letter is addressed can read.
NETWORKS = {
    "WhatsApp": ("https://wa.me/", {"text": "{title}\n{address}"}),
    "Telegram": ("https://t.me/share/url", {"url": "{address}", "text": "{title}"}),
    "LINE": ("https://social-plugins.line.me/lineit/share", {"url": "{address}", "text": "{title}"}),
    "Naver": ("https://share.naver.com/web/shareView", {"url": "{address}", "title": "{title}"}),
    "Facebook": ("https://www.facebook.com/sharer/sharer.php", {"u": "{address}"}),
    "X": ("https://x.com/intent/post", {"text": "{title}", "url": "{address}"}),
    "LinkedIn": ("https://www.linkedin.com/sharing/share-offsite/", {"url": "{address}"}),
}


def network_links(address: str, title: str) -> Iterator[tuple[str, str]]:
    """Yields the name of each network and a link to it."""
    words = {"{address}": address, "{title}": title, "{title}\n{address}": f"{title}\n{address}"}
    for name, (page, fields) in NETWORKS.items():
        query = urlencode({field: words[value] for field, value in fields.items()}, quote_via=quote)
        yield name, f"{page}?{query}"


def mail_link(subject: str, *paragraphs: str) -> str:
    """Returns a link that opens a new email without a recipient."""
    fields = {"subject": " ".join(subject.split()), "body": "\r\n\r\n".join(paragraphs)}
    return f"mailto:?{urlencode(fields, quote_via=quote)}"
