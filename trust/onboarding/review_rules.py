"""The questions of the regular review (guide 8.4), which of them the portal can answer, and when a review is due. Plain Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

TIME_TO_ANSWER = timedelta(days=14)
GROUPS = (
    "Certificate inventory",
    "Access control",
    "Monitoring and alerting",
    "Incident response",
    "Partner management",
)


@dataclass(frozen=True, slots=True)
class Question:
    """One line of the review. ``seen`` names what the portal looks at; without it each side answers."""

    key: str
    group: str
    text: str
    seen: str = ""


QUESTIONS: tuple[Question, ...] = (
    Question("inventoried", GROUPS[0], "All certificates are in the inventory", "inventory"),
    Question("none_expired", GROUPS[0], "No expired certificate is in use", "none_expired"),
    Question("lifetimes", GROUPS[0], "Lifetimes keep to the agreement", "lifetimes"),
    Question("algorithms", GROUPS[0], "Keys and signatures keep to the agreement", "algorithms"),
    Question("ca_keys", GROUPS[1], "CA private keys are kept in an HSM or KMS"),
    Question("issuance_logged", GROUPS[1], "Access to issuance is logged, and the log was read"),
    Question("roles", GROUPS[1], "Roles limit who can issue and revoke"),
    Question("shared_accounts", GROUPS[1], "No shared account issues certificates"),
    Question("expiry_alerts", GROUPS[2], "Somebody is told before certificates expire", "expiry_alerts"),
    Question("handshake_alerts", GROUPS[2], "Failed handshakes raise an alert"),
    Question("revocation_alerts", GROUPS[2], "Failed revocation checks raise an alert"),
    Question("dashboard", GROUPS[2], "Consumers run the current trust store", "consumers"),
    Question("runbooks", GROUPS[3], "The runbooks were tried in the last 90 days", "rehearsed"),
    Question("trained", GROUPS[3], "The team knows what to do"),
    Question("channels", GROUPS[3], "The ways to reach each other work", "channels"),
    Question("backups", GROUPS[3], "Restoring from backup was tried"),
    Question("partner_inventory", GROUPS[4], "The other side’s certificates are in the inventory", "partner_inventory"),
    Question("contacts", GROUPS[4], "The contact directory is up to date", "contacts"),
    Question("notices", GROUPS[4], "Every notice was acted on", "notices"),
    Question("issues", GROUPS[4], "No finding of an earlier review is overdue", "findings"),
)
BY_KEY = {question.key: question for question in QUESTIONS}
ASKED = tuple(question for question in QUESTIONS if not question.seen)


@dataclass(frozen=True, slots=True)
class Fact:
    """What the portal saw about one question on one side when the review opened."""

    question: str
    side: str
    good: bool
    sentence: str


def is_due(*, began: datetime, last_opened: datetime | None, every: timedelta, now: datetime) -> bool:
    """Say whether the next review should open: ``every`` after the last one opened, or after the partnership began."""
    return now >= (last_opened or began) + every


def unanswered(answers: Mapping[str, Iterable[str]], sides: Iterable[str]) -> dict[str, list[str]]:
    """Return for each side the keys of the questions that it has not answered; ``answers`` are keys by side."""
    open_ones = {}
    for side in sides:
        given = set(answers.get(side, ()))
        left = [question.key for question in ASKED if question.key not in given]
        if left:
            open_ones[side] = left
    return open_ones
