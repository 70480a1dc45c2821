"""Flags: what sends a signature to review. A flag never refuses, and the signer never sees it."""

from enum import Enum, StrEnum
from typing import Self


class FlagEnd(Enum):
    """When a flag is removed again."""

    NEVER = "never"  # only with the signature, or by undoing what raised it
    NEW_WORDS = "new words"  # when the words change and no longer deserve it
    DECISION = "decision"  # with every decision of staff


class Flag(StrEnum):
    """Each flag: its code, the sentence for staff, the module that raises it, and when it is removed."""

    TRAP = "trap", "The field that people do not see was filled in.", "screening.checks"
    STALE_FORM = "stale-form", "The form's stamp was forged, or is older than two days.", "screening.checks"
    FAST = "fast", "The form was sent within three seconds.", "screening.checks"
    SCRIPT_MIX = "script-mix", "One word has letters of several scripts.", "screening.checks", FlagEnd.NEW_WORDS
    MARKS = "marks", "One letter has more marks than any writing needs.", "screening.checks", FlagEnd.NEW_WORDS
    LINK = (
        "link", "There is a web address in role, organization, spokesperson or comment.", "screening.checks",
        FlagEnd.NEW_WORDS,
    )  # fmt: skip
    DISPOSABLE = "disposable", "The email domain is one of throw-away mailboxes.", "screening.checks"
    PROTECTED_NAME = (
        "protected-name", "It is the name of the recipient or of an original signatory.", "screening.checks",
        FlagEnd.NEW_WORDS,
    )  # fmt: skip
    MACHINE = (
        "machine", "No script reported a human pace, and the mailbox has a name as machines make them.",
        "screening.checks",
    )  # fmt: skip
    ORGANIZATION = (
        "organization", "It signs as an organization: check who speaks for it.", "screening.checks", FlagEnd.NEW_WORDS,
    )  # fmt: skip
    NO_SPOKESPERSON = (
        "no-spokesperson", "It signs as an organization, and does not say who speaks for it.", "screening.checks",
        FlagEnd.NEW_WORDS,
    )  # fmt: skip
    RATE = (
        "rate", "Too many sign-ups came at once from one network, with one email domain, or on the whole site.",
        "screening.rate_limits",
    )  # fmt: skip
    SIMILAR = (
        "similar", "The same name and country came again and again.", "screening.rate_limits", FlagEnd.NEW_WORDS,
    )  # fmt: skip
    BURST = (
        "burst",
        "Too many of one name, one comment, one small email domain, or one network without script came in a day.",
        "screening.rate_limits",
    )
    LIMITER_DOWN = "limiter-down", "The rate limits could not be checked.", "screening.rate_limits"
    BLOCKED = "blocked", "Its email domain or network is on a block list.", "screening.blocklists"
    BLOCKED_WORD = (
        "blocked-word", "It has a word or a name of a block list.", "screening.blocklists", FlagEnd.NEW_WORDS,
    )  # fmt: skip
    HOLD = "hold", "Staff put it aside.", "moderation.decisions", FlagEnd.DECISION
    ASKED = "asked", "Staff asked its signer a question.", "moderation.decisions", FlagEnd.DECISION
    ANSWERED = "answered", "Its signer answered the question of staff.", "signing.changes", FlagEnd.DECISION
    REJECTED_BEFORE = (
        "rejected-before", "It was rejected before, and its signer changed the words.", "signing.changes",
    )  # fmt: skip
    INVALIDATED = "invalidated", "A bulk rule rejected it before it was confirmed.", "moderation.bulk_rule_runs"
    REPORTED = "reported", "A reader reported this public name.", "moderation.reports", FlagEnd.DECISION

    sentence: str
    raised_in: str
    end: FlagEnd

    def __new__(cls, code: str, sentence: str = "", raised_in: str = "", end: FlagEnd = FlagEnd.NEVER) -> Self:
        flag = str.__new__(cls, code)
        flag._value_ = code
        flag.sentence, flag.raised_in, flag.end = sentence, raised_in, end
        return flag


FLAGS_OF_WORDS = frozenset(flag for flag in Flag if flag.end is FlagEnd.NEW_WORDS)
FLAGS_ENDED_BY_DECISION = tuple(flag for flag in Flag if flag.end is FlagEnd.DECISION)
