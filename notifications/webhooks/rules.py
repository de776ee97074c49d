"""When to try again, what an answer means, and how an endpoint comes to be failing or paused. Plain Python.

The schedule is that of the Standard Webhooks specification (10 tries over 75.6 hours). Revocations are tried faster at first
and for longer: a revocation that reaches nobody is the failure that this portal exists to prevent.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

MINUTE, HOUR = 60, 3600
# Seconds between one try and the next (Standard Webhooks, "Retries").
USUAL_WAITS = (5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR)
# Ten tries in the first hour, then each half hour for a day, then each hour until a week has passed.
URGENT_WAITS = (
    (5, 15, 30, MINUTE, 2 * MINUTE, 5 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE)
    + (30 * MINUTE,) * 46
    + (HOUR,) * 144
)
JITTER = 0.2  # a fifth either way, so that endpoints that failed together do not all come back together (Svix)
# An endpoint that timed out or asked us to slow down is left alone for at least this long, in seconds.
CONGESTED_WAIT = 60
CONGESTED_WAIT_URGENT = 30
# The longest Retry-After that is honored, in seconds; a revocation does not wait for an hour because a server says so.
RETRY_AFTER_CAP = 24 * HOUR
RETRY_AFTER_CAP_URGENT = 15 * MINUTE

FAILING_AFTER = 4  # failures in a row (Svix tells of trouble after as many)
PAUSE_AFTER = timedelta(hours=120)  # of uninterrupted failure (Svix)
PAUSE_WARNING_BEFORE = timedelta(hours=24)
TELL_AGAIN_AFTER = timedelta(hours=24)

KEY_OVERLAP = timedelta(hours=24)
MAX_KEY_OVERLAP = timedelta(days=7)
MAX_KEYS_IN_FORCE = 10

MAX_BODY_BYTES = 20_000  # the specification asks for less than 20 kB
EVENT_TYPE = re.compile(r"[a-zA-Z0-9_]+(\.[a-zA-Z0-9_]+)*")
EVENT_PATTERN = re.compile(r"\*|[a-zA-Z0-9_]+(\.[a-zA-Z0-9_]+)*(\.\*)?")


class Outcome(StrEnum):
    """What one try came to."""

    DELIVERED = "delivered"
    FAILED = "failed"  # an answer or an error that another try may mend
    CONGESTED = "congested"  # timed out, or asked us to slow down
    GONE = "gone"  # 410: the receiver says that it wants no more
    BLOCKED = "blocked"  # our own guard refused the address


SENTENCES = {
    Outcome.DELIVERED: "Delivered",
    Outcome.FAILED: "Failed",
    Outcome.CONGESTED: "Timed out or asked to slow down",
    Outcome.GONE: "The endpoint says that it is gone",
    Outcome.BLOCKED: "The address is not one that the portal calls",
}


def outcome_of(status: int) -> Outcome:
    """Return what an HTTP status means: only 2xx is success, and 3xx is a failure since redirects are not followed."""
    if 200 <= status < 300:
        return Outcome.DELIVERED
    if status == 410:
        return Outcome.GONE
    return Outcome.CONGESTED if status in (429, 502, 503, 504) else Outcome.FAILED


def next_attempt_at(
    *,
    attempts: int,
    now: datetime,
    urgent: bool,
    chance: Callable[[], float],
    outcome: Outcome = Outcome.FAILED,
    retry_after: int | None = None,
) -> datetime | None:
    """Return when to try again after ``attempts`` tries, or None when the schedule has run out.

    Args:
        attempts: tries made so far, at least 1.
        urgent: a revocation.
        chance: returns a number from 0 up to 1; the jitter.
        outcome: of the last try.
        retry_after: what the receiver asked for, in seconds.
    """
    waits = URGENT_WAITS if urgent else USUAL_WAITS
    if attempts > len(waits):
        return None
    wait = float(waits[attempts - 1])
    if outcome is Outcome.CONGESTED:
        wait = max(wait, CONGESTED_WAIT_URGENT if urgent else CONGESTED_WAIT)
    wait *= 1 + JITTER * (2 * chance() - 1)
    if retry_after is not None:
        wait = max(wait, min(retry_after, RETRY_AFTER_CAP_URGENT if urgent else RETRY_AFTER_CAP))
    return now + timedelta(seconds=wait)


class EndpointState(StrEnum):
    """What an endpoint is."""

    UNPROVEN = "unproven"  # its test has not been answered yet; nothing is sent to it
    ACTIVE = "active"
    FAILING = "failing"
    PAUSED = "paused"
    REMOVED = "removed"


STATE_LABELS = {
    EndpointState.UNPROVEN: "Waiting for its test",
    EndpointState.ACTIVE: "Active",
    EndpointState.FAILING: "Failing",
    EndpointState.PAUSED: "Paused",
    EndpointState.REMOVED: "Removed",
}
SENT_TO = (EndpointState.ACTIVE, EndpointState.FAILING)


class Trouble(StrEnum):
    """What the owner of an endpoint is told. The value ends the kind of the event."""

    FAILING = "failing"
    PAUSING_SOON = "pausing_soon"
    PAUSED = "paused"
    STILL_FAILING = "still_failing"
    STILL_PAUSED = "still_paused"
    RECOVERED = "recovered"


@dataclass(frozen=True)
class Health:
    """How an endpoint has been doing."""

    state: EndpointState
    failures: int = 0  # in a row
    failing_since: datetime | None = None
    told_at: datetime | None = None
    warned: bool = False  # of the coming pause


def after_success(health: Health) -> tuple[Health, Trouble | None]:
    """Return the health after a success, and what to tell."""
    recovered = Trouble.RECOVERED if health.state is EndpointState.FAILING else None
    state = EndpointState.ACTIVE if health.state in SENT_TO else health.state
    return Health(state=state), recovered


def after_failure(health: Health, *, now: datetime, outcome: Outcome, urgent: bool) -> tuple[Health, Trouble | None]:
    """Return the health after a failed try, and what to tell, once each.

    A revocation that fails is told of at the first failure after the quick tries, since minutes count there. An endpoint
    is paused by 410 at once, and by five days without one success.
    """
    since = health.failing_since or now
    failures = health.failures + 1
    changed = Health(health.state, failures, since, health.told_at, health.warned)
    if health.state not in SENT_TO:
        return changed, None
    if outcome is Outcome.GONE or now - since >= PAUSE_AFTER:
        return _told(changed, EndpointState.PAUSED, now), Trouble.PAUSED
    if not health.warned and now - since >= PAUSE_AFTER - PAUSE_WARNING_BEFORE:
        warned = Health(EndpointState.FAILING, failures, since, now, warned=True)
        return warned, Trouble.PAUSING_SOON
    threshold = FAILING_AFTER - 1 if urgent else FAILING_AFTER
    if health.state is EndpointState.ACTIVE:
        if failures >= threshold or outcome is Outcome.BLOCKED:
            return _told(changed, EndpointState.FAILING, now), Trouble.FAILING
        return changed, None
    if health.told_at and now - health.told_at >= TELL_AGAIN_AFTER:
        return _told(changed, EndpointState.FAILING, now), Trouble.STILL_FAILING
    return changed, None


def _told(health: Health, state: EndpointState, now: datetime) -> Health:
    return Health(state, health.failures, health.failing_since, now, health.warned)


def matches(patterns: list[str], event_type: str) -> bool:
    """Say whether an endpoint that chose ``patterns`` gets events of this type: "notice.received", "notice.*" or "*"."""
    for pattern in patterns:
        if pattern in ("*", event_type):
            return True
        if pattern.endswith(".*") and event_type.startswith(pattern[:-1]):
            return True
    return False


EVENTS = {
    "webhook_endpoint.added": "{actor} added the webhook endpoint {name}",
    "webhook_endpoint.changed": "{actor} changed the webhook endpoint {name}",
    "webhook_endpoint.key_rotated": "{actor} gave the webhook endpoint {name} a new key",
    "webhook_endpoint.tested": "{actor} tested the webhook endpoint {name}: {outcome}",
    "webhook_endpoint.proven": "The webhook endpoint {name} was proven by {by}",
    "webhook_endpoint.paused": "The webhook endpoint {name} was paused: {reason}",
    "webhook_endpoint.resumed": "{actor} resumed the webhook endpoint {name}",
    "webhook_endpoint.removed": "{actor} removed the webhook endpoint {name}",
    "webhook_endpoint.redelivered": "{actor} redelivered {deliveries} events to the webhook endpoint {name}",
    "webhook_endpoint.failing": "The webhook endpoint {name} is failing: {reason}",
    "webhook_endpoint.pausing_soon": "The webhook endpoint {name} will be paused in 24 hours: {reason}",
    "webhook_endpoint.still_failing": "The webhook endpoint {name} is still failing: {reason}",
    "webhook_endpoint.still_paused": "The webhook endpoint {name} is still paused and missed {missed} events: {reason}",
    "webhook_endpoint.recovered": "The webhook endpoint {name} answers again",
}
