"""One task of one member: the value that every provider of Home's list gives."""

from dataclasses import dataclass
from datetime import datetime

from django.urls import NoReverseMatch, reverse

# The most rows that one provider gives. Whoever has more than this has another problem than a long list.
LIMIT = 50


@dataclass(frozen=True)
class Need:
    """One task: what to do, why, where, and until when. ``tint`` is bad (act now), warn (not yet) or info."""

    title: str
    sentence: str
    url: str
    icon: str
    tint: str
    tag: str = ""
    due_at: datetime | None = None
    partnership_id: object = None


def page(name: str, *args: object) -> str:
    """Return the address of the page called ``name``, or "" while there is none."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""
