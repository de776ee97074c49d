"""A notice as a calendar file: when it takes effect and until when it must be acknowledged."""

from datetime import datetime, timedelta

from icalendar import Alarm, Calendar, Event

from trust.notices.models import Notice


def of_notice(notice: Notice, *, url: str, now: datetime) -> bytes:
    """Return an iCalendar file (RFC 5545) with two entries. Holds no phone number and no fingerprint."""
    calendar = Calendar()
    calendar.add("prodid", "-//Trust Exchange//Notices//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(_event(notice, "effective", f"Takes effect: {notice.title}", notice.effective_at, url, now))
    calendar.add_component(
        _event(notice, "acknowledge", f"Acknowledge by now: {notice.title}", notice.acknowledge_by, url, now)
    )
    return calendar.to_ical()


def _event(notice: Notice, what: str, summary: str, at: datetime, url: str, now: datetime) -> Event:
    event = Event()
    event.add("uid", f"{notice.pk}-{what}@trust-exchange")
    event.add("dtstamp", now)
    event.add("dtstart", at)
    event.add("dtend", at + timedelta(minutes=15))
    event.add("summary", summary)
    event.add("description", f"Notice {notice.label}. {notice.meaning.todo}")
    event.add("url", url)
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", summary)
    alarm.add("trigger", timedelta(hours=-1))
    event.add_component(alarm)
    return event
