"""The words of an event for the people of one organization: from the recorded fact and the table, never from live rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from notifications.fanout import rules
from portal.audit import sentences
from portal.audit.models import Event
from portal.organizations.models import Organization
from portal.partnerships.models import Partnership

MAX_WORDS = 300
REHEARSAL = "REHEARSAL"  # stands in whatever is said of a rehearsal, so that nobody acts on it in earnest


@dataclass(frozen=True)
class Telling:
    """What the people of one organization are told: a subject, lines of facts, what to do next and where."""

    subject: str
    facts: tuple[tuple[str, str], ...]
    next: str
    path: str
    urgent: bool


def facts_of(event: Event, partnership: Partnership | None) -> dict[str, Any]:
    """Return what a template may name for ``event``: its data and who, whose and with whom."""
    acting = partner = ""
    if partnership is not None:
        first, second = partnership.first_organization, partnership.second_organization
        both = {first.pk: first, second.pk: second}
        own = both.get(event.organization_id) if event.organization_id else None
        acting = own.name if own else str(partnership)
        partner = partnership.other(own).name if own else ""
    elif event.organization_id:
        acting = _name(event)
    return {
        **event.data,
        "actor": event.actor_label,
        "organization": acting,
        "partner": partner,
        "subject": event.subject_id,
        "partnership": partnership.slug if partnership else "",
    }


def of(event: Event, rule: rules.Rule, facts: Mapping[str, Any]) -> Telling:
    """Return what ``rule`` says of ``event``."""
    lines = tuple((label, sentences.say(template, facts)) for label, template in rule.facts)
    subject = sentences.say(rule.subject, facts)
    if event.data.get("rehearsal") is True and REHEARSAL not in subject:
        subject = f"{REHEARSAL}: {subject}"
    return Telling(
        subject=subject[:MAX_WORDS],
        facts=tuple((label, text) for label, text in lines if text and text != sentences.MISSING),
        next=sentences.say(rule.next, facts)[:MAX_WORDS],
        path=_path(rule.path, facts),
        # Only a notice knows by its content whether it is for the night.
        urgent=rule.urgent or event.data.get("urgent") is True,
    )


def _path(template: str, facts: Mapping[str, Any]) -> str:
    # A fact that was not recorded would make an address that leads nowhere; the inbox always is somewhere.
    path = sentences.say(template, facts)
    return path if sentences.MISSING not in path and len(path) <= MAX_WORDS else "/inbox/"


def _name(event: Event) -> str:
    if event.organization_id is None:
        return ""
    return Organization.objects.filter(pk=event.organization_id).values_list("name", flat=True).first() or ""
