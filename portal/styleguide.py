"""All parts of the interface on one page, for whoever builds pages and for the tests that look at them. Only with DEBUG.

The companies are invented; the fingerprints were made for the occasion.
"""

from datetime import UTC, datetime, timedelta

from django import forms
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal import pictures, states

NOW = datetime(2026, 11, 24, 3, 8, tzinfo=UTC)
FINGERPRINT = "050D5B77CB6FCA1A705013EE4F4D7ACF69E559373EE18EA1F8841A63EC91701C"
_NAVIGATION = [
    ("Home", "home", "", 2),
    ("Partnerships", "building", "", 0),
    ("Trust stores", "stack-2", "", 0),
    ("Notices", "bell-ringing", "", 1),
    ("Webhooks", "webhook", "Deliver", 0),
    ("Consumers", "server", "Deliver", 0),
    ("Contacts", "phone", "Organization", 0),
    ("Members", "users", "Organization", 0),
    ("Audit log", "history", "Organization", 0),
    ("Settings", "settings", "Organization", 0),
]


class _Ana:
    """Enough of a signed-in person for the top bar."""

    is_authenticated = True
    email = "ana@meridian.example"
    time_zone = "Europe/Berlin"
    theme = "system"
    shortcuts = True

    def __str__(self) -> str:
        return "Ana Ribeiro"


class SampleForm(forms.Form):
    """One field of each kind, as Django's own forms draw them."""

    company = forms.CharField(label="Company", help_text="The name on the contract.")
    address = forms.EmailField(label="Email address", error_messages={"invalid": "Write it like ana@meridian.example."})
    zone = forms.ChoiceField(label="Time zone", choices=[("UTC", "UTC"), ("Europe/Lisbon", "Europe/Lisbon")])
    bundle = forms.FileField(
        label="Signed CA bundle", help_text="PEM, DER, PKCS #7, ZIP or tar, up to 1 MB.", required=False
    )
    reason = forms.CharField(label="Reason", widget=forms.Textarea, required=False)
    source = forms.ChoiceField(
        label="Which record will they read from?",
        widget=forms.RadioSelect,
        choices=[("ceremony", "Key ceremony record"), ("hsm", "HSM host"), ("sheet", "Printed sheet")],
    )
    sure = forms.BooleanField(label="I have told the on-call engineer", required=False)


def _rows(window: pictures.Window) -> list[pictures.Row]:
    def on(year: int, month: int, day: int) -> datetime:
        return datetime(year, month, day, tzinfo=UTC)

    began = on(2020, 1, 1)
    return [
        pictures.bar(window=window, label="Root CA G1", start=began, end=on(2029, 6, 30), url="#timeline"),
        pictures.bar(window=window, label="Policy CA 2", start=began, end=on(2027, 3, 31)),
        pictures.bar(
            window=window, label="Issuing CA 2025-A", start=began, end=on(2028, 5, 1), state="revoked", stopped=NOW
        ),
        pictures.bar(window=window, label="Issuing CA 2026-B", start=NOW, end=on(2028, 6, 22), state="pending"),
        pictures.bar(window=window, label="OpenPGP key 110A … 8FE8", start=began, end=on(2026, 12, 31)),
    ]


def _clock() -> pictures.Clock:
    start = NOW - timedelta(minutes=48)
    marks = [
        pictures.Mark(start + timedelta(minutes=30), "Level 2"),
        pictures.Mark(start + timedelta(minutes=90), "Level 3"),
    ]
    return pictures.clock(start=start, deadline=start + timedelta(hours=4), now=NOW, marks=marks)


@login_not_required
def page(request: HttpRequest) -> HttpResponse:
    """Show every part, every state and every kind of field, signed in as an invented person."""
    form = SampleForm({"company": "Halden Freight", "address": "ana", "source": "hsm"})
    window = pictures.two_years(NOW)
    request.user = _Ana()  # type: ignore[assignment]
    context = {
        "now": NOW,
        "shell": {
            "organization": "Meridian Pay",
            "organizations": ["Meridian Pay"],
            "needs_you_count": 2,
            "nav": [
                {
                    "label": label,
                    "icon": icon,
                    "group": group,
                    "count": count,
                    "url": "#",
                    "current": label == "Notices",
                }
                for label, icon, group, count in _NAVIGATION
            ],
        },
        "form": form,
        "fingerprint": FINGERPRINT,
        "serial": "4C6F135345AD8CEB18612CFEF341AEFE70BEE204",
        "received": NOW - timedelta(minutes=48),
        "deadline": NOW + timedelta(hours=3, minutes=12),
        "window": window,
        "rows": _rows(window),
        "clock": _clock(),
        "states": {kind: list(labels) for kind, labels in states.LABELS.items()},
        "page": Paginator(range(120), 25).page(2),
        "groups": ["1640", "F54B", "141D", "6E61", "8BD0", "2217"],
        "phonetic": ["Three", "Eight", "Five", "Seven"],
        "open_groups": range(8, 17),
        "consumers": [
            "payments-gw",
            "ledger-sync",
            "edge-eu-1",
            "edge-eu-2",
            "edge-us-1",
            "dispute-api",
            "tariff-quotes",
            "customs-bridge",
        ],
        "trail": [("Partnerships", "#"), ("Halden Freight", "#")],
        "command": "openssl x509 -noout -fingerprint -sha256 -in root-ca-g2.pem",
    }
    return render(request, "styleguide.html", context)
