"""The network that a request comes from. Addresses are neither stored nor logged (architecture, rule 6)."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest

NETWORK_PREFIX = {4: 24, 6: 64}  # by IP version: what a household or an office shares
WIDE_PREFIX = 48  # of IPv6: what one customer of a hosting provider gets, 65,536 networks in one


def client_network(request: HttpRequest) -> str:
    """Returns the client's /24 or /64, such as "203.0.113.0/24".

    Only the entry of `X-Forwarded-For` that our own proxies added is trusted (threat model S19). The web server joins
    several lines of it to one. Everything that is no address counts as one network, "unknown".
    """
    address = request.META.get("REMOTE_ADDR", "")
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR")
    if settings.TRUSTED_PROXIES and forwarded:
        hops = forwarded.rsplit(",", settings.TRUSTED_PROXIES)
        if len(hops) >= settings.TRUSTED_PROXIES:
            address = hops[-settings.TRUSTED_PROXIES]
    parsed = _parse(address.strip())
    if parsed is None:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is None:
            return str(ipaddress.ip_network((int(parsed), NETWORK_PREFIX[6]), strict=False))
        parsed = parsed.ipv4_mapped
    return str(ipaddress.ip_network((int(parsed), NETWORK_PREFIX[4]), strict=False))


def wide_network_of(network: str) -> str:
    """Returns the /48 that an IPv6 network is part of; "" for all others, whose addresses cost money."""
    if ":" not in network:
        return ""
    return str(ipaddress.IPv6Network(network).supernet(new_prefix=WIDE_PREFIX))


def _parse(hop: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Returns the address of a hop, which may have a port (threat model S37): 192.0.2.1:80 or [2001:db8::1]:80."""
    bracketed = hop.startswith("[")
    for address in (hop, hop[1:].partition("]")[0] if bracketed else hop.partition(":")[0]):
        try:
            return ipaddress.ip_address(address)
        except ValueError:
            continue
    return None
