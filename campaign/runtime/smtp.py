"""Email backend for an email server: Django's, which also reaches the addresses that break the rule of dots."""

from django.core.mail.backends import smtp


class EmailBackend(smtp.EmailBackend):
    def prep_address(self, address: str, force_ascii: bool = True) -> str:  # noqa: FBT001, FBT002  as in Django
        """Returns the address for the envelope. Django takes the quotes off, without which a server may refuse it."""
        return quoted(super().prep_address(address, force_ascii))


def quoted(address: str) -> str:
    """Returns the address as headers and SMTP have it: quoted where its dots are not those of RFC 5321 (`a..b@`)."""
    local, at, domain = address.rpartition("@")
    return f'"{local}"{at}{domain}' if "" in local.split(".") and at else address
