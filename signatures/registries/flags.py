"""Flags: what sends a signature to review. A flag never refuses, and the signer never sees it."""

from enum import Enum, StrEnum
from typing import Self


class FlagEnd(Enum):
    """When a flag is removed again."""

    NEVER = "never"  # only with the signature, or by undoing what raised it
    NEW_WORDS = "new words"  # when the words change and no longer deserve it
    DECISION = "decision"  # with every decision of staff


# The modules that raise flags, and the ways in which a flag ends, as the table below writes them.
_CHECKS, _RATE_LIMITS, _BLOCKLISTS = "screening.checks", "screening.rate_limits", "screening.blocklists"
_PROOF_OF_WORK = "screening.proof_of_work"
_DECISIONS, _CHANGES = "moderation.decisions", "signing.changes"
_NEVER, _NEW_WORDS, _DECISION = FlagEnd


class Flag(StrEnum):
    """Each flag: its code, the sentence for staff, the module that raises it, and when it is removed."""

    TRAP = "trap", "The field that people do not see was filled in.", _CHECKS
    STALE_FORM = "stale-form", "The form's stamp was forged, or is older than two days.", _CHECKS
    FAST = "fast", "The form was sent within three seconds.", _CHECKS
    SCRIPT_MIX = "script-mix", "One word has letters of several scripts.", _CHECKS, _NEW_WORDS
    MARKS = "marks", "One letter has more marks than any writing needs.", _CHECKS, _NEW_WORDS
    FORMULA = "formula", "The name begins like a formula of a spreadsheet, or has an @.", _CHECKS, _NEW_WORDS
    LINK = (
        "link", "There is a web address, or a number or name at a messenger, in the words that were typed.", _CHECKS,
        _NEW_WORDS,
    )  # fmt: skip
    DISPOSABLE = "disposable", "The email domain is one of throw-away mailboxes.", _CHECKS
    PROTECTED_NAME = (
        "protected-name", "It is the name of the recipient or of an original signatory.", _CHECKS, _NEW_WORDS,
    )  # fmt: skip
    MACHINE = "machine", "No script reported a human pace, and the mailbox has a name as machines make them.", _CHECKS
    ORGANIZATION = "organization", "It signs as an organization: check who speaks for it.", _CHECKS, _NEW_WORDS
    NO_SPOKESPERSON = (
        "no-spokesperson", "It signs as an organization, and does not say who speaks for it.", _CHECKS, _NEW_WORDS,
    )  # fmt: skip
    RATE = (
        "rate", "Too many sign-ups came at once from one network or /48, with one email domain, or on the whole site.",
        _RATE_LIMITS,
    )  # fmt: skip
    SIMILAR = "similar", "The same name and country came again and again.", _RATE_LIMITS, _NEW_WORDS
    BURST = (
        "burst",
        "Too many came in a day of one name, comment, mailbox, small email domain, or network without script.",
        _RATE_LIMITS,
    )
    LIMITER_DOWN = "limiter-down", "The rate limits could not be checked.", _RATE_LIMITS
    NO_PROOF = "no-proof", "Its browser did not do the work that every browser is asked for now.", _PROOF_OF_WORK
    BLOCKED = "blocked", "Its email domain or network is on a blocklist.", _BLOCKLISTS
    BLOCKED_WORD = "blocked-word", "It has a word or a name of a blocklist.", _BLOCKLISTS, _NEW_WORDS
    HOLD = "hold", "Staff hold it.", _DECISIONS, _DECISION
    ASKED = "asked", "Staff asked its signer a question.", _DECISIONS, _DECISION
    ANSWERED = "answered", "Its signer answered the question of staff.", "signing.answers", _DECISION
    REJECTED_BEFORE = "rejected-before", "It was rejected before, and its signer changed the words.", _CHANGES
    INVALIDATED = "invalidated", "A bulk rule rejected it before it was confirmed.", "moderation.bulk_rule_runs"
    REPORTED = "reported", "A reader reported this public name.", "moderation.reports", _DECISION

    sentence: str
    raised_in: str
    end: FlagEnd

    def __new__(cls, code: str, sentence: str = "", raised_in: str = "", end: FlagEnd = _NEVER) -> Self:
        flag = str.__new__(cls, code)
        flag._value_ = code
        flag.sentence, flag.raised_in, flag.end = sentence, raised_in, end
        return flag


FLAGS_OF_WORDS = frozenset(flag for flag in Flag if flag.end is _NEW_WORDS)
FLAGS_ENDED_BY_DECISION = tuple(flag for flag in Flag if flag.end is _DECISION)
