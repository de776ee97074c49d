"""Writing down who read the feed of notices, and how often a program promises to."""

import logging
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import DatabaseError, transaction

from portal import errors, words
from portal.audit import services as audit
from portal.audit.models import Audience
from portal.organizations.acting import Actor
from portal.organizations.models import ApiToken
from portal.organizations.rules import Right
from portal.partnerships.models import Partnership
from trust.notices.feed import rules
from trust.notices.feed.models import FeedReader

logger = logging.getLogger(__name__)


def note_read(*, token: ApiToken, partnership: Partnership, reached: int, user_agent: str, now: datetime) -> bool:
    """Remember that a program read the feed up to ``reached``; return whether that was written down.

    It is once a minute, and whenever a read reached further: a program that asks in a loop writes nothing meanwhile. Never
    raises for the database: a feed that cannot be noted, on a disk that is full, is still answered.
    """
    every = int(rules.NOTED_EVERY.total_seconds())
    # The period is part of the key: whether a read is noted follows from its own moment, and not from the cache's clock.
    key = f"feed-read:{token.pk}:{partnership.pk}:{reached}:{int(now.timestamp()) // every}"
    if not cache.add(key, True, every):
        return False
    try:
        _write(token, partnership, reached, user_agent[:120], now)
    except DatabaseError as error:
        logger.warning("A read of the feed of notices was not written down: %s", error)
        cache.delete(key)
        return False
    return True


@transaction.atomic
def _write(token: ApiToken, partnership: Partnership, reached: int, user_agent: str, now: datetime) -> None:
    reader, made = FeedReader.objects.select_for_update().get_or_create(
        token=token,
        partnership=partnership,
        defaults={
            "first_read_at": now,
            "read_at": now,
            "reached": reached,
            "user_agent": user_agent,
            "silent_from": rules.silent_from(now, rules.PROMISED),
        },
    )
    if made:
        return
    # Another process may have noted a later read, or one that reached further.
    reader.read_at = max(reader.read_at, now)
    reader.reached = max(reader.reached, reached)
    reader.user_agent = user_agent
    reader.silent_from = rules.silent_from(reader.read_at, reader.promise)
    reader.save(update_fields=["read_at", "reached", "user_agent", "silent_from"])


@transaction.atomic
def promise(*, reader: FeedReader, interval: timedelta | None, actor: Actor, now: datetime) -> FeedReader:
    """Say how often a program reads a feed, or with None that nobody waits for it. Raises Invalid, NotAllowed, NotFound.

    A promise that was not kept before it was made counts from now on. A program whose silence was told stays silent until it
    reads, or until a longer promise is one that it keeps.
    """
    organization = actor.require(Right.MANAGE_DELIVERY)
    if reader.token.organization_id != organization.pk:
        raise errors.NotFound()
    if interval is not None and not rules.MIN_PROMISE <= interval <= rules.MAX_PROMISE:
        raise errors.Invalid(
            "A program reads the feed each 5 minutes to 31 days.",
            fields={"interval_seconds": ["Give 300 to 2678400 seconds, or nothing if nobody waits for it."]},
        )
    found = FeedReader.objects.select_for_update(of=("self",)).select_related("token", "partnership").get(pk=reader.pk)
    if found.promise == interval:
        return found
    told = found.silence_told_at is not None
    found.interval_seconds = int(interval.total_seconds()) if interval is not None else None
    found.silent_from = rules.silent_from(found.read_at, interval)
    if found.silent_from is None or (told and found.silent_from >= now):
        found.silence_told_at = None
    elif found.silent_from < now and not told:
        found.silent_from = rules.silent_from(now, interval)
    found.save(update_fields=["interval_seconds", "silent_from", "silence_told_at"])
    audit.record(
        "notice_feed.promise_changed",
        now=now,
        actor=actor,
        organization_id=organization.pk,
        partnership_id=found.partnership_id,
        audience=Audience.ORGANIZATION,
        subject=("feed_reader", found.pk),
        data={
            "program": found.token.name,
            "hint": found.token.hint,
            "interval_seconds": found.interval_seconds,
            "promise": f"every {words.duration(interval)}" if interval is not None else "nobody waits for it",
        },
    )
    return found
