"""Notices: their kinds, their life, when they are fresh, how early they must come. Plain Python.

A notice is an organization's signed statement that trust changes. Nothing about it is ever edited: a correction is a new notice
that supersedes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a notice is about. The values are the ``event_type`` or ``change_type`` of the signed document."""

    CERTIFICATE_REVOCATION = "certificate_revocation"
    CA_REVOCATION = "ca_revocation"
    CA_RENEWAL = "ca_renewal"
    CA_ROLLOVER = "ca_rollover"
    KEY_REPLACEMENT = "key_replacement"
    ENDPOINT_CHANGE = "endpoint_change"
    POLICY_CHANGE = "policy_change"
    MAINTENANCE = "maintenance"
    CONTACT_CHANGE = "contact_change"
    INCIDENT_UPDATE = "incident_update"
    WITHDRAWAL = "withdrawal"


@dataclass(frozen=True)
class Meaning:
    """What a kind means to people and to the program.

    ``change`` is the agreement's word for it, which decides lead time and deadline. ``urgent`` retries fast and wakes people.
    ``did`` follows the sender's name in the title; ``todo`` is what the reader does.
    """

    label: str
    did: str
    todo: str
    change: str = "other"
    urgent: bool = False
    planned: bool = False  # held against the agreement's days without changes
    immediate: bool = False  # needs no lead time


MEANINGS: dict[Kind, Meaning] = {
    Kind.CERTIFICATE_REVOCATION: Meaning(
        "Revocation of a service certificate",
        "revoked the certificate {what}",
        "Refuse this certificate: it is on the deny list of your store from the moment it takes effect.",
        change="ca_revocation",
        urgent=True,
    ),
    Kind.CA_REVOCATION: Meaning(
        "Revocation of a CA",
        "revoked {what}",
        "Publish the trust store without it. Removing needs one person.",
        change="ca_revocation",
        urgent=True,
    ),
    Kind.CA_RENEWAL: Meaning(
        "CA renewal", "renews {what}", "Approve the bundle that carries the new certificate.", "ca_renewal", planned=True
    ),
    Kind.CA_ROLLOVER: Meaning(
        "New CA hierarchy",
        "moves to a new CA hierarchy",
        "Verify the new root by phone and approve its bundle.",
        "ca_renewal",
        planned=True,
    ),
    Kind.KEY_REPLACEMENT: Meaning(
        "New OpenPGP key", "replaces its OpenPGP key", "Verify the new key by phone.", planned=True
    ),
    Kind.ENDPOINT_CHANGE: Meaning(
        "Change of endpoints", "moves CRL, OCSP or SPIFFE endpoints", "Let your services reach the new URLs.", planned=True
    ),
    Kind.POLICY_CHANGE: Meaning(
        "Change of policy", "changes its certificate policy", "Read what changes and hold it against the agreement.",
        planned=True,
    ),
    Kind.MAINTENANCE: Meaning("Maintenance", "plans maintenance", "Plan for it.", planned=True),
    Kind.CONTACT_CHANGE: Meaning(
        "Change of contacts", "changes its contacts", "Wait for the directory: a number in a notice is never dialed."
    ),
    Kind.INCIDENT_UPDATE: Meaning("Incident", "tells about an incident", "Read it.", urgent=True, immediate=True),
    Kind.WITHDRAWAL: Meaning(
        "Withdrawal", "withdraws notice {what}", "Nothing: the earlier notice does not happen.", immediate=True
    ),
}  # fmt: skip
REVOCATIONS = frozenset({Kind.CERTIFICATE_REVOCATION, Kind.CA_REVOCATION})
RENEWALS = frozenset({Kind.CA_RENEWAL, Kind.CA_ROLLOVER})
ABOUT_A_CA = frozenset({Kind.CA_REVOCATION, Kind.CA_RENEWAL})

# RFC 5280 section 5.3.1. 7 is not used; 8 (removeFromCRL) never restores anything here, so it is not taken.
REASONS = {
    "unspecified": 0,
    "keyCompromise": 1,
    "cACompromise": 2,
    "affiliationChanged": 3,
    "superseded": 4,
    "cessationOfOperation": 5,
    "certificateHold": 6,
    "privilegeWithdrawn": 9,
    "aACompromise": 10,
}
REASON_WORDS = {
    "unspecified": "not said",
    "keyCompromise": "key compromise",
    "cACompromise": "CA compromise",
    "affiliationChanged": "affiliation changed",
    "superseded": "superseded",
    "cessationOfOperation": "no longer used",
    "certificateHold": "on hold",
    "privilegeWithdrawn": "privilege withdrawn",
    "aACompromise": "attribute authority compromise",
}
COMPROMISES = frozenset({"keyCompromise", "cACompromise", "aACompromise"})
TLP = ("TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED")
# To whom a reader may pass it on: the Traffic Light Protocol 2.0 of FIRST.
TLP_WORDS = {
    "TLP:CLEAR": "everybody",
    "TLP:GREEN": "your community, not the public",
    "TLP:AMBER": "your organization and its clients, as far as they need it",
    "TLP:AMBER+STRICT": "your organization, as far as it needs it",
    "TLP:RED": "nobody else",
}


class State(StrEnum):
    """Where a notice is in its life."""

    UNVERIFIED = "unverified"  # signed by a key that the receiver has not verified: shown, never acted on
    ANNOUNCED = "announced"  # an intent: it takes effect later
    EXECUTED = "executed"  # took effect
    ADOPTED = "adopted"  # the receiver's services have moved
    CLOSED = "closed"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


class Action(StrEnum):
    """What can happen to a notice."""

    VERIFY = "verify"
    EXECUTE = "execute"
    ADOPT = "adopt"
    CLOSE = "close"
    SUPERSEDE = "supersede"
    WITHDRAW = "withdraw"


TABLE: dict[tuple[State, Action], State] = {
    (State.UNVERIFIED, Action.VERIFY): State.ANNOUNCED,
    (State.UNVERIFIED, Action.SUPERSEDE): State.SUPERSEDED,
    (State.UNVERIFIED, Action.WITHDRAW): State.WITHDRAWN,
    (State.ANNOUNCED, Action.EXECUTE): State.EXECUTED,
    (State.ANNOUNCED, Action.SUPERSEDE): State.SUPERSEDED,
    (State.ANNOUNCED, Action.WITHDRAW): State.WITHDRAWN,
    (State.EXECUTED, Action.ADOPT): State.ADOPTED,
    # What an executed notice removed stays removed; superseding it only corrects what was said.
    (State.EXECUTED, Action.SUPERSEDE): State.SUPERSEDED,
    (State.ADOPTED, Action.CLOSE): State.CLOSED,
}
ENDED = frozenset({State.CLOSED, State.SUPERSEDED, State.WITHDRAWN})
ACTED_ON = frozenset({State.ANNOUNCED, State.EXECUTED, State.ADOPTED})


def next_state(state: State, action: Action) -> State | None:
    """Return the state after ``action``, or None when the table does not permit it."""
    return TABLE.get((state, action))


# --- Freshness: a replayed or held-back notice is a way to do harm with a real signature. ---
OLDEST = timedelta(hours=24)
AHEAD = timedelta(minutes=5)
SIGNED_AFTER_AT_MOST = timedelta(hours=12)  # composed in the evening, signed on the offline machine in the morning
DISTRESS_LASTS = timedelta(days=400)


@dataclass(frozen=True)
class Stale:
    """Why a notice is not fresh: a stable code and a sentence."""

    code: str
    sentence: str


def freshness(*, timestamp: datetime, signed_at: datetime, now: datetime) -> Stale | None:
    """Return what is wrong with the moments of a notice, or None.

    ``timestamp`` is what the document says, ``signed_at`` what the signature says; both must be recent and must agree.
    """
    if timestamp > now + AHEAD or signed_at > now + AHEAD:
        return Stale("timestamp_ahead", "The notice is dated ahead of our clock by more than 5 minutes.")
    if timestamp < now - OLDEST or signed_at < now - OLDEST:
        return Stale("timestamp_old", "The notice is more than 24 hours old.")
    if not timestamp - AHEAD <= signed_at <= timestamp + SIGNED_AFTER_AT_MOST:
        return Stale("dates_disagree", "The date of the signature and the timestamp in the notice do not fit together.")
    return None


def distress_freshness(*, timestamp: datetime, valid_until: datetime, now: datetime) -> Stale | None:
    """Return what is wrong with the moments of a notice that was signed in advance, or None."""
    if timestamp > now + AHEAD:
        return Stale("timestamp_ahead", "The notice is dated ahead of our clock by more than 5 minutes.")
    if now >= valid_until:
        return Stale("distress_lapsed", "This distress notice was good until an earlier day.")
    if valid_until - timestamp > DISTRESS_LASTS:
        return Stale("distress_too_long", "A distress notice is good for at most 400 days.")
    return None


# --- Lead times. ---
@dataclass(frozen=True)
class Timing:
    """How a notice stands to the agreement. ``exceptions`` are sentences; empty when it came early enough."""

    effective_at: datetime
    exceptions: tuple[str, ...] = ()


def timing(
    kind: Kind,
    *,
    told_at: datetime,
    effective_at: datetime | None,
    lead: timedelta,
    reason: str,
    blackouts: Iterable[Mapping[str, Any]] = (),
) -> Timing:
    """Return when a notice takes effect and what about that is an exception to the agreement.

    Without an effective time it is ``told_at`` plus the lead time. A revocation because of a compromise needs no lead time: the
    reason says why it cannot wait.
    """
    meaning = MEANINGS[kind]
    if meaning.immediate:
        return Timing(effective_at or told_at)
    at = effective_at or told_at + lead
    found = []
    # A minute's grace: the moment is written before the notice is signed and sent.
    if at < told_at + lead - timedelta(minutes=1) and not (kind in REVOCATIONS and reason in COMPROMISES):
        found.append(f"It takes effect {_hours(at - told_at)} after its notice; the agreement asks for {_hours(lead)}.")
    if meaning.planned:
        for each in blackouts:
            if date.fromisoformat(each["first"]) <= at.date() <= date.fromisoformat(each["last"]):
                found.append(f"It falls on days without changes ({each['first']} to {each['last']}: {each['reason']}).")
    return Timing(at, tuple(found))


def _hours(length: timedelta) -> str:
    hours = max(0, round(length.total_seconds() / 3600))
    return f"{hours // 24} days" if hours % 24 == 0 and hours >= 48 else f"{hours} h"


def title(kind: Kind, *, sender: str, what: str, rehearsal: bool = False) -> str:
    """Return the sentence that page title, mail subject and pager share: "Halden Freight revoked Issuing CA 2025-A"."""
    sentence = f"{sender} {MEANINGS[kind].did.replace('{what}', what)}"
    return f"REHEARSAL: {sentence}" if rehearsal else sentence


def label(short_code: str, year: int, number: int) -> str:
    """Return a notice's name: HF-2026-014."""
    return f"{short_code}-{year}-{number:03d}"


def severity(kind: Kind, reason: str) -> str:
    """Return the severity in the words of pagers: critical, error, warning or info."""
    if kind in REVOCATIONS:
        return "critical" if reason in COMPROMISES or kind is Kind.CA_REVOCATION else "error"
    return "error" if kind is Kind.INCIDENT_UPDATE else "warning" if MEANINGS[kind].planned else "info"


EVENTS = {
    "notice.received": "{organization} sent {partner} notice {label}: {title}",
    "notice.unverified": "{organization} sent notice {label}, signed by a key that {partner} has not verified",
    "notice.refused": "A notice of {organization} was refused: {reason}",
    "notice.message_id_reused": "{organization} signed two different notices with the message id {message_id}",
    "notice.superseded": "Notice {label} of {organization} was superseded by {by}",
    "notice.withdrawn": "Notice {label} of {organization} was withdrawn by {by}",
    "notice.executed": "Notice {label} of {organization} took effect: {effect}",
    "notice.apply_failed": "Notice {label} of {organization} could not take effect: {reason}",
    "notice.adopted": "All services of {partner} have moved after notice {label} of {organization}",
    "notice.closed": "Notice {label} of {organization} was closed",
    "notice.drafted": "{actor} composed a notice to {partner}: {title}",
    "notice_feed.silent": "{programs} stopped reading the feed of notices with {partners}",
    "notice_feed.read_again": "{programs} reads the feed of notices with {partners} again",
    "notice_feed.promise_changed": "{actor} said how often {program} reads the feed of notices with {partner}: {promise}",
}
