"""A calendar file for a booked call. It says when and where to look, and carries no number and no fingerprint."""

from datetime import datetime, timedelta

from icalendar import Calendar, Event

from trust.verifications.models import Verification

TAKES = timedelta(minutes=15)


def invitation(call: Verification, *, url: str, now: datetime) -> bytes:
    """Return the confirmed time of a call as an iCalendar file (RFC 5545)."""
    assert call.booked_for is not None
    event = Event()
    event.add("uid", f"{call.pk}@trust-exchange")
    event.add("dtstamp", now)
    event.add("dtstart", call.booked_for)
    event.add("dtend", call.booked_for + TAKES)
    event.add(
        "summary",
        f"Verification call: {call.request.relying.name} calls {call.contact.name}, {call.request.owner.name}",
    )
    event.add("description", f"Open the portal to get the number: {url}")
    event.add("url", url)
    calendar = Calendar()
    calendar.add("prodid", "-//Trust Exchange//Verification call//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(event)
    return calendar.to_ical()
