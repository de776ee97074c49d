"""What is mailed at once, what once a day, and what not at all. Plain Python."""

from datetime import datetime, time, timedelta, tzinfo
from enum import StrEnum


class Frequency(StrEnum):
    """How often somebody is mailed about something."""

    AT_ONCE = "at_once"
    DAILY = "daily"
    NONE = "none"


class Weight(StrEnum):
    """What an event is to whoever is told: an alarm, something that waits for them, or something to know."""

    ALARM = "alarm"
    TASK = "task"
    NEWS = "news"


FREQUENCY_LABELS = {
    Frequency.AT_ONCE: "At once",
    Frequency.DAILY: "Once a day, in one mail",
    Frequency.NONE: "Not by mail",
}
# What a member may choose. An alarm is in no choice: revocations reach whoever can act on them, at once.
TASK_CHOICES = (Frequency.AT_ONCE, Frequency.DAILY)
NEWS_CHOICES = (Frequency.AT_ONCE, Frequency.DAILY, Frequency.NONE)
DEFAULT_TASKS = Frequency.AT_ONCE
DEFAULT_NEWS = Frequency.DAILY

DIGEST_AT = time(7, 0)  # in the reader's own time zone
DIGEST_ROWS = 50  # the rest is counted


def weigh(*, urgent: bool, asks: bool) -> Weight:
    """Return what an event is to its reader; ``asks`` says whether it tells them to do something."""
    return Weight.ALARM if urgent else Weight.TASK if asks else Weight.NEWS


def frequency(weight: Weight, *, tasks: str, news: str, comes_back: bool) -> Frequency:
    """Return how often a member with these wishes is mailed about something of this weight.

    Mail to an address from which mail came back is no use, and each one more is held against the portal; an alarm is tried
    all the same.
    """
    if weight is Weight.ALARM:
        return Frequency.AT_ONCE
    if comes_back:
        return Frequency.NONE
    wish = Frequency(tasks if weight is Weight.TASK else news)
    return wish if wish in (TASK_CHOICES if weight is Weight.TASK else NEWS_CHOICES) else Frequency.AT_ONCE


def digest_due_at(first: datetime, zone: tzinfo) -> datetime:
    """Return when the digest is made whose first item came at ``first``: the next seven o'clock of the reader."""
    local = first.astimezone(zone)
    today = datetime.combine(local.date(), DIGEST_AT, tzinfo=zone)
    return today if local < today else datetime.combine(local.date() + timedelta(days=1), DIGEST_AT, tzinfo=zone)


EVENTS = {
    "mail.bounced": "A mail to {recipient} about event {event} came back: {answer}",
    "mail.address_works": "{actor} said that mail to {recipient} arrives again",
    "mail.preference_changed": "{actor} changed which mail they get",
    "mail.recipient_key_added": "{actor} added OpenPGP key {fingerprint}, to which mail to {recipient} is encrypted",
    "mail.recipient_key_removed": "{actor} removed the OpenPGP key to which mail to {recipient} was encrypted",
    "mail.key_made": "The portal made its OpenPGP mail key {fingerprint}",
    "mail.key_retired": "The portal retired its OpenPGP mail key {fingerprint}",
}
