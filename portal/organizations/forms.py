"""Forms of the pages about members, tokens and the own profile."""

import zoneinfo

from django import forms

from portal.organizations.models import User
from portal.organizations.rules import ROLE_LABELS, ROLE_SENTENCES, SCOPE_SENTENCES, Role, Scope

ROLES = [(role.value, f"{ROLE_LABELS[role]}: {ROLE_SENTENCES[role]}") for role in Role]
LIFETIMES = [(30, "30 days"), (90, "90 days"), (180, "180 days"), (365, "1 year")]


class InviteMemberForm(forms.Form):
    """Who to invite, as what."""

    name = forms.CharField(max_length=120, label="Name", widget=forms.TextInput(attrs={"autocomplete": "off"}))
    email = forms.EmailField(label="Work email address", widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    role = forms.ChoiceField(choices=ROLES, widget=forms.RadioSelect, label="Role")
    responder = forms.BooleanField(
        required=False,
        label="Responder",
        help_text="May acknowledge notices, and publish a removal that a verified notice names. For people on call.",
    )


class RoleForm(forms.Form):
    """What a member is from now on."""

    role = forms.ChoiceField(choices=ROLES, widget=forms.RadioSelect, label="Role")
    responder = forms.BooleanField(required=False, label="Responder", help_text="For people on call.")


class JoinForm(forms.Form):
    """What a new person brings to an invitation."""

    name = forms.CharField(max_length=120, label="Your name", widget=forms.TextInput(attrs={"autocomplete": "name"}))
    password = forms.CharField(
        max_length=256,
        strip=False,
        label="Choose a password",
        help_text="At least 12 characters. A password manager or a sentence of your own works best.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


class TokenForm(forms.Form):
    """A new API token."""

    name = forms.CharField(
        max_length=80, label="Name", help_text="Which program uses it, for example “release pipeline”."
    )
    scopes = forms.MultipleChoiceField(
        choices=[(scope.value, f"{scope.value}: {SCOPE_SENTENCES[scope]}") for scope in Scope],
        widget=forms.CheckboxSelectMultiple,
        label="Scopes",
        help_text="Give only what the program needs. Calls, approvals and publishing additions are in no scope.",
    )
    lifetime = forms.TypedChoiceField(
        choices=LIFETIMES,
        coerce=int,
        initial=90,
        label="Expires after",
        error_messages={"required": "Choose after how long it expires."},
    )


class ProfileForm(forms.ModelForm):
    """How the portal looks and speaks to a person."""

    time_zone = forms.ChoiceField(
        choices=lambda: [(zone, zone) for zone in sorted(zoneinfo.available_timezones())],
        label="Time zone",
        help_text="Times are shown in UTC first, then in your zone.",
    )

    class Meta:
        model = User
        fields = ("name", "time_zone", "theme", "shortcuts")
        labels = {"name": "Name", "theme": "Theme", "shortcuts": "Single-key shortcuts"}

    def clean_name(self) -> str:
        """Refuse what others could not see or what turns their text around, as in invitations."""
        name: str = self.cleaned_data["name"]
        if not name.isprintable():
            raise forms.ValidationError("Use letters, digits, spaces and punctuation only.")
        return name
