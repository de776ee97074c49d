"""Forms of the pages about trust stores."""

from django import forms

from portal import words
from trust.certificates.models import Certificate
from trust.stores.drafts import MAX_REASON


class ReasonForm(forms.Form):
    """Why something is published. The log keeps it."""

    reason = forms.CharField(
        max_length=MAX_REASON,
        label="Reason",
        help_text="One sentence for the record. Your partner can read it.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class PickCertificatesForm(ReasonForm):
    """Which certificates an act is about, and why."""

    empty_store = forms.BooleanField(
        required=False,
        label="This may leave the store empty",
        help_text="Services then refuse every connection with this partner.",
    )
    emergency = forms.BooleanField(
        required=False,
        label="This is an emergency: do not wait for services",
        help_text="The CA may be compromised. Services that are late go on trusting it until they pull.",
    )
    field_order = ["certificates", "reason", "empty_store", "emergency"]

    def __init__(
        self, *arguments, certificates: list[Certificate], may_empty: bool, held: bool = False, **more
    ) -> None:
        super().__init__(*arguments, **more)
        offered = [(each.sha256, f"{each.subject} · {words.shortened(each.sha256)}") for each in certificates]
        self.fields["certificates"] = forms.MultipleChoiceField(
            label="Certificates", choices=offered, widget=forms.CheckboxSelectMultiple
        )
        self.order_fields(self.field_order)
        if not may_empty:
            del self.fields["empty_store"]
        if not held:
            del self.fields["emergency"]


class ReviewForm(forms.Form):
    """What the second person found."""

    note = forms.CharField(
        max_length=MAX_REASON,
        required=False,
        label="Note",
        help_text="What you checked. You can leave it empty.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class ChainForm(forms.Form):
    """A chain to try against a store."""

    chain = forms.CharField(
        max_length=100_000,
        label="Certificate chain",
        help_text="PEM, the service's own certificate first. Never paste a private key.",
        widget=forms.Textarea(attrs={"rows": 8, "class": "mono", "spellcheck": "false"}),
    )

    def __init__(self, *arguments, numbers: list[int], **more) -> None:
        super().__init__(*arguments, **more)
        self.fields["other"] = forms.ChoiceField(
            required=False,
            label="Also under",
            help_text="It is tried under the current version and under what is proposed anyway.",
            choices=[("", "The version before the current one"), *((str(each), f"v{each}") for each in numbers)],
        )
