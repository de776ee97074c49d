"""Forms of the operator console."""

from datetime import UTC

from django import forms

from portal.operations.console import banner
from portal.organizations import suspending


class OrganizationForm(forms.Form):
    """A new company and its first admin."""

    name = forms.CharField(
        max_length=120, label="Company", help_text="As its partners know it, for example “Halden Freight”."
    )
    admin_name = forms.CharField(max_length=120, label="Name of its first admin")
    admin_email = forms.EmailField(label="Work email address of its first admin")


class SuspendForm(forms.Form):
    """Why an organization is suspended."""

    reason = forms.CharField(
        max_length=suspending.LONGEST_REASON,
        label="Reason",
        help_text="The organization reads it in its audit log and in the mail that goes to its people.",
    )


class BannerForm(forms.Form):
    """What stands on top of every page."""

    text = forms.CharField(
        max_length=banner.LONGEST,
        label="Text",
        help_text="For example: “The portal is away on 4 December from 20:00 to 20:30 UTC. Services go on with what they have.”",
    )
    until = forms.DateTimeField(
        label="Until (UTC)",
        error_messages={"required": "Enter the day and time until when it is shown, in UTC."},
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def clean_until(self):  # type: ignore[no-untyped-def]
        return self.cleaned_data["until"].replace(tzinfo=UTC)
