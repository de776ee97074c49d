"""What stands on top of every page: maintenance, said in advance. One text, until a moment."""

from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import transaction

from portal import errors
from portal.audit.services import record
from portal.operations.events import Kind
from portal.operations.models import Banner
from portal.organizations import acting
from portal.organizations.acting import Actor

LONGEST = 300  # characters
AT_MOST = timedelta(days=14)
_KEY = "operations.banner"
# Every page asks, so the answer may be this many seconds old.
_SECONDS = 15


def text(now: datetime) -> str:
    """Return what stands on top of every page at ``now``, or nothing."""
    found = cache.get(_KEY)
    if found is None:
        row = current(now)
        found = (row.text, row.until) if row else ("", now)
        cache.set(_KEY, found, _SECONDS)
    said, until = found
    return said if until > now else ""


def current(now: datetime) -> Banner | None:
    """Return the banner that is shown at ``now``, or None."""
    return Banner.objects.filter(id=1, until__gt=now).first()


@transaction.atomic
def put(*, text: str, until: datetime, actor: Actor, now: datetime) -> Banner:
    """Put ``text`` on top of every page until a moment, in place of what stands there.

    For operators, with a fresh second factor: everybody of every organization reads it and believes that it is the portal's word.
    Raises StepUpRequired, and Invalid for an empty or long text, and for a moment that is over or more than 14 days away.
    """
    acting.require_operator(actor, step_up=True)
    text = " ".join(text.split())
    fields: dict[str, list[str]] = {}
    if not 1 <= len(text) <= LONGEST or not text.isprintable():
        fields["text"] = [f"Enter one or two sentences of at most {LONGEST} characters."]
    if not now < until <= now + AT_MOST:
        fields["until"] = [f"Choose a moment within the next {AT_MOST.days} days."]
    if fields:
        raise errors.Invalid("This cannot be shown as it is.", fields=fields)
    banner, _ = Banner.objects.update_or_create(
        id=1, defaults={"text": text, "until": until, "set_at": now, "set_by": actor.label[:200]}
    )
    data = {"text": text, "until": until.isoformat()}
    record(Kind.BANNER_SET, now=now, actor=actor, subject=("banner", 1), data=data)
    transaction.on_commit(lambda: cache.delete(_KEY))
    return banner


@transaction.atomic
def take_down(*, actor: Actor, now: datetime) -> None:
    """Take down what stands on top of every page; nothing happens when nothing does. For operators, with a fresh second factor."""
    acting.require_operator(actor, step_up=True)
    removed, _ = Banner.objects.filter(id=1).delete()
    if removed:
        record(Kind.BANNER_CLEARED, now=now, actor=actor, subject=("banner", 1))
    transaction.on_commit(lambda: cache.delete(_KEY))
