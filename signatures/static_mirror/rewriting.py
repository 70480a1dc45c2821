"""A page of the site as a page of a copy: links that work from any folder, and nothing that needs a server."""

import re
from dataclasses import dataclass, field
from html import escape, unescape
from posixpath import dirname, relpath
from urllib.parse import urljoin, urlsplit

from django.conf import settings

from signatures.static_mirror import links

# Our templates write attributes with double quotes, and escape those in words: such an attribute is never a signer's.
_LINK = re.compile(r'(?<=\s)(href|src)="([^"#][^"]*)"')
_SCRIPT = re.compile(r"\s*<script\b.*?</script>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class PageLinks:
    """What a page links to within the copy."""

    addresses: set[str] = field(default_factory=set)
    statics: set[str] = field(default_factory=set)


def rewrite(page: str, address: str, *, at_any_depth: bool = False) -> tuple[str, PageLinks]:
    """The page as it stands in the copy, and what it links to.

    A page of the copy is linked by the way to its file, any other one on the site itself. Scripts, which ask the site
    for more, are left out.

    Args:
        page: as the site shows it.
        address: where on the site it stands.
        at_any_depth: shown at an unknown place, so links begin at the top of the host.
    """
    found = PageLinks()
    here = dirname(links.file_for(address) or "")

    def rewritten(match: re.Match[str]) -> str:
        target, fragment = _target(unescape(match[2]), address, found)
        if target is None:
            return match[0]
        if not target.startswith(settings.SITE_URL):
            target = f"/{target}" if at_any_depth else relpath(target, here or ".")
        return f'{match[1]}="{escape(target + fragment)}"'

    return _LINK.sub(rewritten, _SCRIPT.sub("", page)), found


def _target(link: str, address: str, found: PageLinks) -> tuple[str | None, str]:
    """The file that a link leads to, or the address on the site; None when it stays as it is. And its fragment."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return None, ""
    parts = urlsplit(urljoin(address, link))
    fragment = f"#{parts.fragment}" if parts.fragment else ""
    static = links.static_name(parts.path)
    if static is not None:
        found.statics.add(static)
        return links.static_file(static), fragment
    wanted = parts._replace(fragment="").geturl()
    file = links.file_for(wanted)
    if file is None:
        return settings.SITE_URL + wanted, fragment
    found.addresses.add(wanted)
    return file, fragment
