"""Forms of the contact directory."""

from typing import Any
from zoneinfo import available_timezones

from django import forms

from portal.organizations import queries as people
from portal.organizations.models import Membership, Organization


class DetailsForm(forms.Form):
    """Everything about a contact but the number."""

    name = forms.CharField(max_length=120, label="Name")
    role_title = forms.CharField(max_length=120, required=False, label="Role", help_text="For example PKI lead.")
    email = forms.EmailField(required=False, label="Work email address")
    languages = forms.CharField(max_length=120, required=False, label="Languages", help_text="The first is preferred.")
    hours = forms.CharField(
        max_length=120, required=False, label="Hours", help_text="In their own time zone: Mon to Fri, 09:00 to 17:00."
    )
    time_zone = forms.ChoiceField(
        label="Time zone", choices=[(name, name) for name in sorted(available_timezones())], initial="UTC"
    )
    openpgp_fingerprint = forms.CharField(
        max_length=100,
        required=False,
        label="OpenPGP key",
        help_text="The full fingerprint, in any spacing. Shown beside signatures of call records.",
    )
    is_primary = forms.BooleanField(required=False, label="Primary contact")
    is_backup = forms.BooleanField(required=False, label="Backup contact")


class NumberForm(forms.Form):
    """A phone number."""

    phone = forms.CharField(
        max_length=30,
        label="Phone number",
        help_text="With its country code: +49 30 55501432. No extension.",
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "off", "dir": "ltr"}),
    )


class NewContactForm(NumberForm, DetailsForm):
    """A new contact."""

    membership = forms.ChoiceField(
        required=False,
        label="Login",
        help_text="Only a contact with a login can take a verification call: the call code is shown in their session.",
    )
    field_order = ["name", "phone", "membership", "role_title", "email", "languages", "hours", "time_zone"]

    def __init__(self, *args: Any, organization: Organization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._members = {
            str(each.pk): each for each in people.members_of(organization).filter(state=Membership.State.ACTIVE)
        }
        self.fields["membership"].choices = [("", "No login")] + [  # type: ignore[attr-defined]
            (key, member.user.name) for key, member in self._members.items()
        ]

    def clean_membership(self) -> Membership | None:
        """Return the chosen member, or None for a contact without a login."""
        return self._members.get(self.cleaned_data["membership"])


class ReportForm(forms.Form):
    """What is wrong with a number."""

    reason = forms.CharField(
        max_length=300,
        label="What is wrong with the number?",
        help_text="For example: somebody else answered. Both organizations read it.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )
