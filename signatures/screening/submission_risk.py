"""Screening of what a signer sends: the flags that it raises, and the rate limits that it counts in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from campaign.letters import text_cache
from campaign.models import Translation
from campaign.web.client_network import wide_network_of
from signatures.models.signer_columns import SignerColumns
from signatures.screening import blocklists, checks, proof_of_work, rate_limits
from signatures.states import Kind, Visibility
from signatures.values import email_addresses

type Typed = Mapping[str, str]  # a cleaned value for each of `TYPED_FIELDS`


@dataclass(frozen=True, slots=True)
class Origin:
    """How a submission was sent.

    Attributes:
        email: the address that was typed.
        network: the client network.
        trap: what was typed into the field that people do not see.
        stamp: the stamp of the form (`form_stamps`).
        seconds: how long the form was open; None when no script measured it.
        proof: the proof of work that the browser sent, if any.
    """

    email: str
    network: str
    trap: str = ""
    stamp: str = ""
    seconds: int | None = None
    proof: str = ""


def screen_submission(typed: Typed, translation: Translation, origin: Origin) -> tuple[list[str], rate_limits.Verdict]:
    """Counts a submission and returns its flags, with the verdict of the rate limits on it."""
    verdict = rate_limits.count_event(submission_buckets(typed, origin))
    evidence = {
        "trap": origin.trap,
        "stamp": origin.stamp,
        "seconds": origin.seconds,
        "mailbox": origin.email.rpartition("@")[0],
        "domains": email_addresses.domains_of(origin.email),
    }
    domain = email_addresses.domain_of(origin.email)
    listed = blocklists.flags(typed, domain=domain, network=origin.network)
    unproved = proof_of_work.flags(origin.proof, letter_id=translation.revision.letter_id, address=origin.email)
    return sorted({*_check(typed, translation, **evidence), *listed, *verdict.flags, *unproved}), verdict


def screen_words(typed: Typed, translation: Translation) -> list[str]:
    """Returns the flags that the words raise which a signer sends from the personal page."""
    return sorted({*_check(typed, translation), *blocklists.flags(typed)})


def _check(typed: Typed, translation: Translation, **evidence: Any) -> list[str]:
    is_organization = typed["kind"] == Kind.ORGANIZATION and typed["visibility"] != Visibility.COUNTED
    names = text_cache.people_named(translation.revision.letter)
    return checks.flags(typed, protected_names=names, organization=is_organization, **evidence)


def submission_buckets(typed: Typed, origin: Origin) -> dict[str, str]:
    """Returns what a submission is counted by: for each rate limit that applies, the value it is counted under."""
    small_domain = email_addresses.small_domain_of(origin.email)
    wide_network = wide_network_of(origin.network)
    return {
        "network": origin.network,
        **({"wide-network": wide_network} if wide_network else {}),
        "mailbox": email_addresses.abuse_key(origin.email),
        "domain": email_addresses.domain_of(origin.email),
        "site": "",
        **({"small-domain": small_domain} if small_domain else {}),
        **({} if checks.is_human_speed(origin.seconds) else {"no-hand": origin.network}),
        **_word_buckets(typed),
    }


def changed_buckets(typed: Typed, row: SignerColumns) -> dict[str, str]:
    """Returns what new words are counted by, without what the stored words were counted by before."""
    before = _word_buckets({field: getattr(row, field) for field in ("name", "country", "comment")})
    return {scope: value for scope, value in _word_buckets(typed).items() if before.get(scope) != value}


def _word_buckets(typed: Typed) -> dict[str, str]:
    name, country = typed["name"], typed["country"]
    values = {
        "words": f"{name.casefold()} {country}" if name else "",
        "name": checks.text_key(name),
        "comment": checks.comment_key(typed["comment"]),
    }
    return {scope: value for scope, value in values.items() if value}
