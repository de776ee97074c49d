"""What an event says, as a sentence built from nothing but what was recorded.

Each feature declares its own kinds in the ``EVENTS`` of its ``rules.py`` or ``events.py``; the shell registers them at start-up.
A sentence names facts in braces: ``{actor}``, ``{organization}`` (whose act or concern it was), ``{partner}`` (the other one
of the partnership), ``{subject}`` (the subject's id), and the members of the event's ``data``. ``{certificates:certificate}`` is a
number with its noun: "1 certificate", "3 certificates".
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from portal import words

_SENTENCES: dict[str, str] = {}
MISSING = "…"
# How events record a moment, as ``datetime.isoformat`` writes it; people read it otherwise.
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")


class _Fact(str):
    """A fact as text, which a template may ask for with its noun."""

    __slots__ = ()

    def __format__(self, noun: str) -> str:
        return f"{self!s} {noun}{'' if self == '1' else 's'}" if noun else str(self)


class _Facts(dict[str, _Fact]):
    def __missing__(self, name: str) -> _Fact:
        return _Fact(MISSING)


def register(events: Mapping[str, str]) -> None:
    """Declare kinds of events with their sentences. Raises ValueError for a kind that another feature has."""
    for kind, sentence in ((str(kind), sentence) for kind, sentence in events.items()):
        if _SENTENCES.get(kind, sentence) != sentence:
            raise ValueError(f"Two features declare the event {kind}.")
        _SENTENCES[kind] = sentence


def registered() -> dict[str, str]:
    """Return every declared kind with its sentence."""
    return dict(_SENTENCES)


def say(template: str, facts: Mapping[str, Any]) -> str:
    """Return ``template`` with its braces filled from ``facts``, on one line; what was not recorded shows as "…".

    Facts are put in as text and never read as templates, whoever chose them. A moment is said as people say it, in UTC.
    """
    plain = _Facts({name: _Fact(_text(value)) for name, value in facts.items()})
    return " ".join(template.format_map(plain).split())


def of_event(kind: str, facts: Mapping[str, Any]) -> str:
    """Return the sentence of an event; of a kind that nobody declared, its name and who caused it."""
    return say(_SENTENCES.get(kind, "{actor}: " + kind.replace("{", "").replace("}", "")), facts)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_text(each) for each in value)
    text = "" if value is None else str(value)
    if _MOMENT.fullmatch(text):
        return _moment(text)
    return "".join(character if character.isprintable() else " " for character in text)


def _moment(text: str) -> str:
    try:
        return words.exact(datetime.fromisoformat(text))
    except (ValueError, OverflowError):  # looks like one: the 31st of February
        return text
