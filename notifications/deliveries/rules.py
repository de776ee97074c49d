"""When a delivery is tried again, and when it is given up. Plain Python."""

from datetime import datetime, timedelta
from enum import StrEnum

# Starts the recipient of a mail to a contact of the directory who has no login; other mail goes to a membership's id.
CONTACT = "contact:"


class Channel(StrEnum):
    """How a fact leaves the portal. The inbox is inside the portal and needs no delivery."""

    MAIL = "mail"
    WEBHOOK = "webhook"


class State(StrEnum):
    """What became of a delivery.

    ``dropped`` is one that nobody is owed any more, such as mail to a member who left; ``bounced`` is a mail that the next
    server took and that came back later.
    """

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"
    DROPPED = "dropped"
    BOUNCED = "bounced"


class Outcome(StrEnum):
    """What became of one attempt. ``interrupted`` is one whose worker stopped before it knew the answer."""

    DELIVERED = "delivered"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


def _seconds(*values: int) -> tuple[timedelta, ...]:
    return tuple(timedelta(seconds=value) for value in values)


# How long to wait after each failed attempt; after the last there is none left. Mail servers are down for hours and
# mailboxes full for days, so mail is tried over three days (RFC 5321 section 4.5.4.1 asks for four to five, by a queue
# behind us that does the same again). An urgent one is tried more often at first. Webhooks have a schedule of their own:
# ``notifications.webhooks.rules``.
SCHEDULES: dict[tuple[Channel, bool], tuple[timedelta, ...]] = {
    (Channel.MAIL, False): _seconds(30, 120, 600, 1800, 7200, 21600, 43200, 86400, 86400),
    (Channel.MAIL, True): _seconds(10, 30, 60, 120, 300, 600, 1800, 7200, 21600, 43200, 86400, 86400),
}
JITTER = 0.2  # of each wait, either way, so that what failed together does not come back together

# How long one worker may hold what it claimed. Longer than the slowest batch takes, or two workers would send the same
# thing; not much longer, or what a killed worker held waits for nothing.
LEASE = timedelta(seconds=120)
# By how much the clocks of two machines may differ without anybody calling one of them wrong.
CLOCKS_DIFFER = timedelta(minutes=1)


def next_wait(channel: Channel, *, urgent: bool, tries: int, spread: float) -> timedelta | None:
    """Return how long to wait after try number ``tries`` (from 1) failed, or None when that was the last.

    ``spread`` is a random number from 0 up to 1; it moves the wait by up to ``JITTER`` of itself either way.
    """
    schedule = SCHEDULES[(channel, urgent)]
    if tries > len(schedule):
        return None
    return schedule[tries - 1] * (1 + JITTER * (2 * spread - 1))


def is_due(next_attempt_at: datetime | None, now: datetime) -> bool:
    """Say whether an attempt planned for that moment is to be made at ``now``."""
    return next_attempt_at is not None and next_attempt_at <= now
