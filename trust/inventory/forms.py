"""Forms of the inventory."""

from typing import Any

from django import forms

from portal.forms import LongSelect
from trust.inventory.rules import KIND_LABELS, Filters, State, search

_ALL = [("", "All")]


class FilterForm(forms.Form):
    """What to show; everything is optional, and what cannot be read filters nothing."""

    q = forms.CharField(
        label="Search",
        required=False,
        max_length=300,
        help_text="Fingerprint, key hash or serial in any spacing, or a name",
    )
    kind = forms.ChoiceField(
        label="Kind", required=False, choices=[*_ALL, *((kind.value, label) for kind, label in KIND_LABELS.items())]
    )
    side = forms.ChoiceField(label="Whose", required=False, choices=[*_ALL, ("own", "Ours"), ("partner", "Partners’")])
    partnership = forms.ChoiceField(label="Partner", required=False, widget=LongSelect)
    state = forms.ChoiceField(
        label="State", required=False, choices=[*_ALL, *((state.value, state.value.capitalize()) for state in State)]
    )
    expiring = forms.ChoiceField(
        label="Ends within",
        required=False,
        choices=[("", "Any time"), *((str(days), f"{days} days") for days in (7, 15, 30, 90, 180, 365))],
    )

    def __init__(self, data: Any = None, *, partners: list[tuple[str, str]]) -> None:
        super().__init__(data)
        self.partners = partners
        self.fields["partnership"].choices = [*_ALL, *partners]  # type: ignore[attr-defined]

    def filters(self) -> Filters:
        """Return the filters that were asked for and can be read."""
        self.is_valid()
        data = {name: self.cleaned_data.get(name, "") for name in self.fields}
        return Filters(
            kind=data["kind"],
            side=data["side"],
            partnership=data["partnership"],
            state=data["state"],
            expiring=int(data["expiring"]) if data["expiring"] else None,
            search=search(data["q"]),
        )


class ServiceCertificateForm(forms.Form):
    """A certificate of a service."""

    certificate = forms.FileField(label="Certificate", help_text="PEM or DER, one certificate. Never a private key.")
    service_name = forms.CharField(label="Service", max_length=80)
    environment = forms.CharField(label="Environment", required=False, max_length=40, help_text="prod, test, …")
    team = forms.CharField(label="Team", required=False, max_length=80)
    partnership = forms.ChoiceField(label="Show it to", required=False, widget=LongSelect)

    def __init__(self, data: Any = None, files: Any = None, *, partners: list[tuple[str, str]]) -> None:
        super().__init__(data, files)
        self.fields["partnership"].choices = [("", "Nobody else"), *partners]  # type: ignore[attr-defined]
