"""From which network a request comes. Addresses themselves are neither stored nor logged (DESIGN.md, rule 6)."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_network(request: HttpRequest) -> str:
    """The /24 or /64 of who asks, such as "203.0.113.0/24"; the part that one household or office shares.

    Only the hop that our own proxies set is believed (SECURITY.md S19); what is no address is one network of its own.
    """
    address = request.META.get("REMOTE_ADDR", "")
    if settings.TRUSTED_PROXIES:
        hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
        if len(hops) >= settings.TRUSTED_PROXIES:
            address = hops[-settings.TRUSTED_PROXIES]
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is None:
            return str(ipaddress.ip_network((int(parsed), 64), strict=False))
        parsed = parsed.ipv4_mapped
    return str(ipaddress.ip_network((int(parsed), 24), strict=False))
