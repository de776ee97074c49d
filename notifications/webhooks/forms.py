"""Forms of the webhooks' pages."""

from typing import Any

from django import forms

from notifications.webhooks.models import WebhookEndpoint

EVENT_CHOICES = [
    ("notice.*", "Notices: received, escalated, overdue, took effect"),
    ("store.*", "Trust stores: new versions, reviews"),
    ("submission.*", "Submissions: received, accepted, refused"),
    ("verification.*", "Verification calls"),
    ("agreement.*", "Agreements"),
    ("key.*", "OpenPGP keys"),
    ("consumer.*", "Consumers: silent, behind"),
    ("notice_feed.*", "Programs that read the feed of notices: silent"),
    ("webhook_endpoint.*", "Webhook endpoints in trouble"),
    ("*", "Everything"),
]
HEARS = dict(EVENT_CHOICES)


class EndpointForm(forms.Form):
    """A new endpoint."""

    name = forms.CharField(max_length=80, label="Name", help_text="For example pager-bridge.")
    url = forms.CharField(
        max_length=2000,
        label="URL",
        help_text="https, a host name on the open Internet. It never changes: a new URL is a new endpoint.",
        widget=forms.URLInput(attrs={"placeholder": "https://hooks.example.com/trust"}),
    )
    event_types = forms.MultipleChoiceField(
        choices=EVENT_CHOICES, initial=["notice.*"], label="What it hears", widget=forms.CheckboxSelectMultiple
    )
    scheme = forms.ChoiceField(
        choices=WebhookEndpoint.Scheme.choices,
        initial=WebhookEndpoint.Scheme.ED25519,
        label="Signature",
        widget=forms.RadioSelect,
    )
    bearer_token = forms.CharField(
        required=False,
        max_length=1000,
        label="Bearer token of your API",
        help_text="Only if your receiver asks for one. Stored encrypted, never shown again. The signature is the better proof.",
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )
    client_certificate = forms.BooleanField(required=False, label="Show the portal's client certificate (mutual TLS)")

    def __init__(self, *args: Any, mutual_tls: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        if not mutual_tls:
            del self.fields["client_certificate"]


class ChangeForm(forms.Form):
    """What an endpoint hears."""

    event_types = forms.MultipleChoiceField(
        choices=EVENT_CHOICES, label="What it hears", widget=forms.CheckboxSelectMultiple
    )


class ChallengeForm(forms.Form):
    """What the test delivered."""

    challenge = forms.CharField(
        max_length=100, label="Challenge", help_text="data.challenge of the test event that arrived at your receiver."
    )


class RotateForm(forms.Form):
    """How long the old key goes on signing."""

    overlap_hours = forms.IntegerField(
        min_value=0, max_value=168, initial=24, label="Hours in which both keys sign", help_text="0 to 168."
    )


class SinceForm(forms.Form):
    """From when on to deliver again."""

    since = forms.DateTimeField(
        label="Since (UTC)",
        error_messages={"required": "Enter the day and time since when, in UTC."},
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )


class PauseForm(forms.Form):
    """Why an endpoint is paused."""

    reason = forms.CharField(max_length=300, label="Reason")
