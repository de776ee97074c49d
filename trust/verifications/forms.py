"""Forms of the pages about verifications."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms

from portal import words
from portal.organizations.models import User
from portal.partnerships.models import Contact
from trust.verifications import rules


class SourceForm(forms.Form):
    """Which record of their own the owner reads from."""

    source = forms.ChoiceField(
        label="Which record will they read from?",
        choices=[(source.value, label) for source, label in rules.SOURCE_LABELS.items()],
        widget=forms.RadioSelect,
    )
    note = forms.CharField(label="Which one exactly", max_length=200, required=False)


class StopForm(forms.Form):
    """Why the call stops."""

    reason = forms.ChoiceField(
        label="Why do you stop?",
        choices=[(reason.value, rules.STOP_LABELS[reason]) for reason in rules.STOP_CHOICES],
        widget=forms.RadioSelect,
    )
    note = forms.CharField(label="What happened", max_length=300, required=False)


class DecisionForm(forms.Form):
    """An officer's decision about the record."""

    reason = forms.CharField(
        label="Reason",
        max_length=300,
        help_text="What you looked at, in a sentence. Both organizations read it.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    record_sha256 = forms.CharField(widget=forms.HiddenInput)


class StatementForm(forms.Form):
    """What happened at a mismatch."""

    text = forms.CharField(
        label="What happened, and what did you do about it?",
        max_length=4000,
        help_text="Both organizations read it, and it stays.",
        widget=forms.Textarea(attrs={"rows": 5}),
    )


class SignatureForm(forms.Form):
    """A detached OpenPGP signature over the record, and the key it was made with."""

    signature = forms.CharField(
        label="Detached signature, armored",
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
    )
    key_block = forms.CharField(
        label="Your public key, armored",
        max_length=200_000,
        help_text="From gpg --armor --export.",
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
    )


class UnlockForm(forms.Form):
    """Why a quarantined fingerprint may be called again, and with whom."""

    contact = forms.ChoiceField(label="The other contact, whom you will call")
    reason = forms.CharField(label="Reason", max_length=300, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, contacts: list[Contact], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["contact"].choices = [(str(each.pk), each.name) for each in contacts]  # type: ignore[attr-defined]


class RehearsalForm(forms.Form):
    """Whom to rehearse with."""

    contact = forms.ChoiceField(label="Whom you will call", widget=forms.RadioSelect)

    def __init__(self, *args: Any, contacts: list[Contact], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["contact"].choices = [(str(each.pk), each.name) for each in contacts]  # type: ignore[attr-defined]


class BookingForm(forms.Form):
    """Two proposed times, written in the verifier's own time zone."""

    contact = forms.ChoiceField(label="Whom you will call", widget=forms.RadioSelect)
    first_slot = forms.DateTimeField(
        label="First time", widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    second_slot = forms.DateTimeField(
        label="Second time",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def __init__(self, *args: Any, contacts: list[Contact], user: User, now: datetime, **kwargs: Any) -> None:
        self.zone = words.zone(user.time_zone)
        first, second = offered(contacts[0] if contacts else None, now)
        initial = {
            "contact": str(contacts[0].pk) if contacts else "",
            "first_slot": first.astimezone(self.zone).replace(tzinfo=None),
            "second_slot": second.astimezone(self.zone).replace(tzinfo=None),
        }
        kwargs["initial"] = initial
        super().__init__(*args, **kwargs)
        self.fields["contact"].choices = [  # type: ignore[attr-defined]
            (str(each.pk), f"{each.name} · {each.hours or 'no hours given'} · {each.time_zone}") for each in contacts
        ]
        for name in ("first_slot", "second_slot"):
            self.fields[name].help_text = f"In your own time zone, {user.time_zone}."

    def moment(self, name: str) -> datetime | None:
        """Return a slot as an aware moment in UTC."""
        chosen = self.cleaned_data.get(name)
        return chosen.replace(tzinfo=self.zone).astimezone(UTC) if chosen else None


def offered(contact: Contact | None, now: datetime) -> tuple[datetime, datetime]:
    """Return two times to propose: on the next two working days, in the morning and the afternoon of the contact's day."""
    zone = ZoneInfo(contact.time_zone) if contact else UTC
    day = now.astimezone(zone).date()
    days: list[date] = []
    while len(days) < 2:
        day += timedelta(days=1)
        if day.weekday() < 5:
            days.append(day)
    hours = (time(10), time(14))
    first, second = (
        datetime.combine(day, hour, tzinfo=zone).astimezone(UTC) for day, hour in zip(days, hours, strict=True)
    )
    return first, second
