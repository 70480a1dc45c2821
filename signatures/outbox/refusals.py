"""What a failed attempt means: whether the mailbox is at fault, or the email service (threat model O14).

A service answers with a code of three digits, and most add an enhanced status code (RFC 3463) that says what the
trouble is about. Only one that names the recipient's mailbox counts against an email; without such a code, a refusal of
the recipient that says in words that there is no such mailbox. Everything else can be mended by whoever runs the site
or the service, and then the email can still be sent.
"""

import smtplib
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from enum import StrEnum

from campaign.runtime.regular_expressions import IGNORECASE, linear
from campaign.runtime.smtp import quoted

# Of the subject "addressing" (x.1.x), those about the recipient: x.1.7 and x.1.8 are about the sender, and x.1.0 does
# not say. A quota (x.2.2) may be the sender's.
UNKNOWN = {(1, 1), (1, 2), (1, 3), (1, 4), (1, 6), (1, 10)}
CLOSED = (2, 1)
# Plain refusals of a recipient (RFC 5321: no such mailbox, not local, not a name) count where their words say that
# nobody is there. What speaks of the sender, the site, a rule or a limit never does, nor do words that nobody foresaw:
# an email that is tried again for days does less harm than one that is lost.
NO_MAILBOX = {550, 551, 553}
_WHO = r"(?:users?|mailbox|recipients?|address|account|name|local part)"
_NOBODY = linear(
    rf"\b(?:no such|unknown|invalid|bad|un(?:route|deliver)able|no(?:t a)? valid|no) (?:\w+ )?{_WHO}\b"
    rf"|\b{_WHO}\b.{{0,60}}?\b(?:unknown|unavailable|disabled|inactive|invalid)\b"
    rf"|\b{_WHO}\b.{{0,60}}?\bnot (?:found|known|local|here|valid|allowed)\b"
    r"|(?:\bno(?:t|body)|n.t)\b.{0,20}\b(?:exist|by that name|here by)",
    IGNORECASE,
)
_OF_SENDER = linear(r"sender|\bfrom\b", IGNORECASE)
_OF_SITE = linear(
    r"sender|\bfrom\b|relay|denied|policy|spam|block|black|quota|limit|authenticat|verif|prohibit|reputation|"
    r"\bspf|dkim|dmarc|tls|\bips?\b",
    IGNORECASE,
)
_ENHANCED = linear(r"\A\s*([45])\.(\d{1,3})\.(\d{1,3})\b")


class Fault(StrEnum):
    """Who or what is at fault, and so what becomes of the email."""

    FINAL = "final"  # there is no such mailbox: the email ends
    MAILBOX = "mailbox"  # the mailbox takes nothing for now: it is tried again for days
    # These are the server's fault. It is tried again until it is sent, and many in a row hold the outbox.
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    KEY = "key"


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed attempt. As text: a code without any word of the service, which may have quoted the address."""

    fault: Fault
    code: str

    def __str__(self) -> str:
        return f"{self.fault}: {self.code}"[:40]

    @property
    def is_about_mailbox(self) -> bool:
        return self.fault in {Fault.FINAL, Fault.MAILBOX}

    @property
    def is_for_good(self) -> bool:
        """Whether the email service answered that it will not take this email, whoever is at fault."""
        return self.code.startswith("5")


NO_KEY = Failure(Fault.KEY, "none opens the recipient")
NO_ADDRESS = Failure(Fault.FINAL, "not an address")


def can_be_addressed(address: str) -> bool:
    """Returns whether a header can hold the address, as one address that any email service takes."""
    try:
        return Address(addr_spec=quoted(address)).username.isascii()
    except (ValueError, IndexError, MessageError):
        return False


def failure_of(error: Exception) -> Failure:
    """Returns what an exception of the connection to the email service means."""
    match error:
        case smtplib.SMTPRecipientsRefused():
            code, text = next(iter(error.recipients.values()))
            return _answered(code, text, is_about_recipient=True)
        case smtplib.SMTPDataError():
            return _answered(error.smtp_code, error.smtp_error)
        case smtplib.SMTPResponseException():  # before a recipient was named
            return Failure(Fault.REFUSED, str(error.smtp_code))
    return Failure(Fault.UNREACHABLE, type(error).__name__)


def _answered(code: int, text: bytes | str, *, is_about_recipient: bool = False) -> Failure:
    words = text.decode("ascii", "replace") if isinstance(text, bytes) else text
    words = words[:500]
    if not (match := _ENHANCED.match(words[:20])):
        is_plain = is_about_recipient and code in NO_MAILBOX
        is_unknown = is_plain and _NOBODY.search(words) and not _OF_SITE.search(words)
        return Failure(Fault.FINAL if is_unknown else Fault.REFUSED, str(code))
    named = f"{code} {match[0].strip()}"
    about = int(match[2]), int(match[3])
    # 421: the service is about to close the connection. Some say 5.1.1 of a sender whom they could not verify.
    if code == 421 or about not in {*UNKNOWN, CLOSED} or _OF_SENDER.search(words):
        return Failure(Fault.REFUSED, named)
    is_final = code >= 500 and match[1] == "5" and about != CLOSED
    return Failure(Fault.FINAL if is_final else Fault.MAILBOX, named)
