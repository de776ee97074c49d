"""Forms of the pages about consumers."""

from collections.abc import Iterable
from datetime import timedelta

from django import forms

from trust.stores.models import TrustStore

INTERVALS = [
    (60, "Every minute"),
    (300, "Every 5 minutes"),
    (900, "Every 15 minutes"),
    (3600, "Every hour"),
    (21600, "Every 6 hours"),
    (86400, "Every day"),
]
LIFETIMES = [(30, "30 days"), (90, "90 days"), (180, "180 days"), (365, "1 year")]
OVERLAPS = [(0, "At once"), (1, "After 1 hour"), (24, "After 1 day"), (168, "After 7 days")]


def _lifetime(label: str) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        choices=LIFETIMES,
        coerce=lambda days: timedelta(days=int(days)),
        initial=90,
        label=label,
        error_messages={"required": "Choose after how long the token expires."},
    )


def _interval(choices: list[tuple[int, str]]) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        choices=choices,
        coerce=lambda seconds: timedelta(seconds=int(seconds)),
        initial=300,
        label="Promised interval",
        help_text="A consumer that misses 2 pulls is shown as silent.",
    )


class ChangeConsumerForm(forms.Form):
    """What a consumer pulls, who runs it, and how often it promises to pull."""

    owner = forms.CharField(
        max_length=120, required=False, label="Owner", help_text="The team that runs it, to call when it falls behind."
    )
    interval = _interval(INTERVALS)
    field_order = ["owner", "stores", "interval"]

    def __init__(self, *arguments, stores: Iterable[TrustStore], **more) -> None:
        super().__init__(*arguments, **more)
        self._stores = {store.name: store for store in stores}
        self.fields["stores"] = forms.MultipleChoiceField(
            label="Trust stores",
            choices=[(name, f"{name}: {store.owner}") for name, store in self._stores.items()],
            widget=forms.CheckboxSelectMultiple,
            help_text="Its token opens these and nothing else.",
        )
        now_is = self.initial.get("interval")
        if now_is and int(now_is) not in dict(INTERVALS):
            self.fields["interval"] = _interval([*INTERVALS, (int(now_is), f"Every {now_is} seconds")])
        self.order_fields(self.field_order)

    def clean_stores(self) -> list[TrustStore]:
        """Return the stores themselves."""
        return [self._stores[name] for name in self.cleaned_data["stores"]]


class NewConsumerForm(ChangeConsumerForm):
    """A new consumer and its first token."""

    name = forms.CharField(
        max_length=80, label="Name", help_text="Lower-case letters, digits and hyphens, for example payments-gw."
    )
    lifetime = _lifetime("Its token expires after")
    field_order = ["name", "owner", "stores", "interval", "lifetime"]


class RotateForm(forms.Form):
    """A new token, and how long the old ones go on working."""

    overlap = forms.TypedChoiceField(
        choices=OVERLAPS,
        coerce=lambda hours: timedelta(hours=int(hours)),
        initial=24,
        label="Older tokens end",
        error_messages={"required": "Choose when older tokens end."},
        help_text="Time to bring the new token to the service.",
    )
    lifetime = _lifetime("The new token expires after")


class SwitchOnForm(forms.Form):
    """The token of a consumer that is switched on again."""

    lifetime = _lifetime("Its new token expires after")
