"""Rewrites a page of the site for the mirror: links that work from any folder, and nothing that needs a server."""

from dataclasses import dataclass, field
from html import escape, unescape
from posixpath import dirname, relpath
from urllib.parse import urljoin, urlsplit

from django.conf import settings

from campaign.runtime.regular_expressions import DOTALL, Match, linear
from signatures.static_mirror import links

# Templates write attributes with double quotes and escape those in texts, so no signer can write such an attribute.
_LINK = linear(r'(?<=\s)(href|src)="([^"#][^"]*)"')
_SCRIPT = linear(r"(?<!\s)\s*<script\b.*?(?:</script>|\Z)", DOTALL)


@dataclass(frozen=True, slots=True)
class PageLinks:
    """What a page links to within the mirror."""

    addresses: set[str] = field(default_factory=set)
    statics: set[str] = field(default_factory=set)


def rewrite(page: str, address: str, *, at_any_depth: bool = False) -> tuple[str, PageLinks]:
    """Returns the page for the mirror, and what it links to.

    Links to mirrored pages become paths of files, all others lead to the site itself. Scripts, which need the site, are
    left out. A page that is shown at unknown addresses (`at_any_depth`) gets links that begin at the root of the host.
    """
    found = PageLinks()
    folder = dirname(links.file_for(address) or "")

    def rewritten(match: Match[str]) -> str:
        target, fragment = _target(unescape(match[2]), address, found)
        if target is None:
            return match[0]
        if not target.startswith(settings.SITE_URL):
            target = f"/{target}" if at_any_depth else relpath(target, folder or ".")
        return f'{match[1]}="{escape(target + fragment)}"'

    return _LINK.sub(rewritten, _SCRIPT.sub("", page)), found


def _target(link: str, address: str, found: PageLinks) -> tuple[str | None, str]:
    """Returns the file or the address on the site that a link leads to, None if it stays as it is; and its fragment."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return None, ""
    parts = urlsplit(urljoin(address, link))
    fragment = f"#{parts.fragment}" if parts.fragment else ""
    static = links.static_name(parts.path)
    if static is not None:
        found.statics.add(static)
        return links.static_file(static), fragment
    wanted = links.mirrored_address(parts._replace(fragment="").geturl())
    file = links.file_for(wanted)
    if file is None:
        return settings.SITE_URL + wanted, fragment
    found.addresses.add(wanted)
    return file, fragment
