"""Who answers for a letter: its own organization, or that of the site. Nothing else reads the settings for it."""

from dataclasses import dataclass
from email import policy
from email.headerregistry import Address
from email.utils import parseaddr

from django.conf import settings

from campaign.models import Letter


@dataclass(frozen=True, slots=True)
class Operator:
    name: str
    contact: str
    sender: str  # the `From` of emails


def operator_of(letter: Letter | None) -> Operator:
    """Returns who answers for a letter, or for the site if it is about none."""
    if not letter:
        return Operator(settings.ORGANIZATION_NAME, settings.CONTACT_EMAIL, _sender(""))
    return Operator(
        letter.organization_name or settings.ORGANIZATION_NAME,
        letter.contact_email or settings.CONTACT_EMAIL,
        _sender(letter.sender_name or letter.organization_name),
    )


def letterhead_name(letter: Letter | None) -> str:
    """Returns the name at the top of the pages of a letter."""
    return str((letter and letter.letterhead.get("name")) or operator_of(letter).name)


def _sender(own_name: str) -> str:
    """Returns the sender under this name, or else that of the site: whoever opens the email must know who wrote it.

    The address is always that of the site: another one would fail SPF, DKIM and DMARC.
    """
    site_name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    one_line = " ".join((own_name or site_name or settings.ORGANIZATION_NAME).split())
    sender = str(Address(one_line, addr_spec=address))
    # A name that is read as something else, such as an encoded word, would keep every email from being sent.
    return address if policy.SMTP.header_factory("From", sender).defects else sender
