"""Moments, durations and fingerprints in words. Plain Python: screens, mails and webhooks say them the same way."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_GROUP = 4
_COMMON_NAME = re.compile(r"(?:^|[,+])\s*CN=((?:\\.|[^,+\\])+)")


def duration(length: timedelta) -> str:
    """Say a length of time the way people do: "45 s", "12 min", "3 h 12 min", "5 days", "4 months", "2 years".

    Two units only where the second still matters, between one hour and two days. The sign is dropped.
    """
    seconds = int(abs(length.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    minutes = seconds // 60
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days = hours // 24
    if days < 60:
        return f"{days} days"
    months = round(days / 30.44)
    return f"{months} months" if months < 24 else f"{max(2, days // 365)} years"


def relative(moment: datetime, now: datetime) -> str:
    """Say how far ``moment`` is from ``now``: "in 3 h 12 min", "5 days ago", "now"."""
    distance = moment - now
    if abs(distance) < timedelta(seconds=1):
        return "now"
    return f"in {duration(distance)}" if distance > timedelta() else f"{duration(distance)} ago"


def day(moment: datetime) -> str:
    """Say the day of ``moment``, in UTC, never as 03/04: "24 Nov 2026"."""
    moment = moment.astimezone(UTC)
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def clock(moment: datetime, reader: tzinfo | None = None) -> str:
    """Say the time of day: "06:20 UTC", and the reader's own if it differs: "06:20 UTC (07:20 your time)"."""
    own = _own_time(moment, reader)
    return f"{moment.astimezone(UTC):%H:%M} UTC" + (f" ({own} your time)" if own else "")


def exact(moment: datetime, reader: tzinfo | None = None) -> str:
    """Say ``moment`` in full: "24 Nov 2026, 06:20 UTC (07:20 your time)"."""
    return f"{day(moment)}, {clock(moment, reader)}"


def zone(name: str | None) -> tzinfo | None:
    """Return the time zone of that IANA name, or None for UTC, no name, and names nobody knows."""
    if not name or name == "UTC":
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return None


def _own_time(moment: datetime, reader: tzinfo | None) -> str:
    if reader is None:
        return ""
    own, utc = moment.astimezone(reader), moment.astimezone(UTC)
    if own.utcoffset() == timedelta():
        return ""
    # Around midnight the reader's day is another one, and a bare time would send them to the wrong night.
    if own.date() == utc.date():
        return f"{own:%H:%M}"
    return f"{own.day} {_MONTHS[own.month - 1]}, {own:%H:%M}"


def common_name(subject: str) -> str:
    """Return what people call a certificate: "CN=Root CA G2,O=Halden" gives "Root CA G2"; all of it without a common name."""
    found = _COMMON_NAME.search(subject)
    return (found.group(1) if found else subject)[:80]


def listed(parts: Sequence[str]) -> str:
    """Say several things in a row: "a", "a and b", "a, b and c"."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def groups(value: str) -> list[str]:
    """Cut a hexadecimal value into groups of four: uppercase, whatever separators it came with.

    A serial number's first group may be shorter than four; groups are counted from the left as openssl and gpg print.
    """
    digits = "".join(each for each in value.upper() if each in "0123456789ABCDEF")
    return [digits[at : at + _GROUP] for at in range(0, len(digits), _GROUP)]


def spaced(value: str) -> str:
    """Return a whole fingerprint as people read it: "050D 5B77 CB6F …"."""
    return " ".join(groups(value))


def shortened(value: str) -> str:
    """Return the form for running text, two groups at each end: "110A 1407 … AAFC 8FE8"."""
    return _ends(groups(value), 2)


def concealed(value: str) -> str:
    """Return what members may see before the call is recorded, one group at each end: "110A … 8FE8"."""
    return _ends(groups(value), 1)


def _ends(parts: Sequence[str], count: int) -> str:
    if len(parts) <= 2 * count:
        return " ".join(parts)
    return f"{' '.join(parts[:count])} … {' '.join(parts[-count:])}"


def spelled(value: str) -> str:
    """Return the form for screen readers: characters apart, a comma between groups, never "sixteen forty"."""
    return ", ".join(" ".join(each) for each in groups(value))


def explained_at(code: str) -> str:
    """Return the address on this portal that explains a finding's code. Remarks of a linter ("pkilint.…") are one family."""
    return f"/docs/findings/{code.partition('.')[0]}/"
