"""Forms of the checklist, the tests and the mailbox."""

from typing import Any

from django import forms

from trust.onboarding.negative_rules import EXPECTATIONS
from trust.onboarding.rules import TEMPLATE_WORDS, Group


class PlanForm(forms.Form):
    """Who does an item, and until when."""

    owner = forms.CharField(label="Who does it", required=False, max_length=120)
    due_on = forms.DateField(label="Until", required=False, widget=forms.DateInput(attrs={"type": "date"}))


class EvidenceForm(forms.Form):
    """A file that shows that an item is done."""

    file = forms.FileField(label="File", help_text="At most 1 MiB. Never a private key.")
    note = forms.CharField(label="What it shows", required=False, max_length=300)


class TemplateForm(forms.Form):
    """The kind of partnership."""

    template = forms.ChoiceField(
        label="Kind of partnership",
        widget=forms.RadioSelect,
        choices=[(each.value, f"{label}: {sentence}") for each, (label, sentence) in TEMPLATE_WORDS.items()],
    )


class CustomItemForm(forms.Form):
    """An item of one's own."""

    title = forms.CharField(label="What is to be done", max_length=120)
    why = forms.CharField(label="Why", required=False, max_length=300)
    group = forms.ChoiceField(label="Group", choices=[(each.value, each.value) for each in Group])
    needed = forms.BooleanField(label="Needed to go live", required=False)


class MailboxForm(forms.Form):
    """The address of the incident mailbox."""

    address = forms.EmailField(
        label="Incident mailbox", help_text="An alias that several people read, like incidents@…"
    )


class SampleForm(forms.Form):
    """A test certificate."""

    expectation = forms.ChoiceField(
        label="What must become of it",
        choices=[
            (key, f"{each.label} must be {'accepted' if each.accept else 'refused'}")
            for key, each in EXPECTATIONS.items()
        ],
    )
    content = forms.FileField(
        label="Certificate", help_text="PEM, the service certificate first, then the CAs that you send along."
    )
    dns_name = forms.CharField(
        label="DNS name",
        required=False,
        max_length=253,
        help_text="For server certificates: the name under which it is called.",
    )
    crl = forms.FileField(label="CRL", required=False, help_text="For a revoked one: the CRL on which it is.")


class KitResultForm(forms.Form):
    """What the test kit wrote."""

    file = forms.FileField(label="results.json")


def content_of(form: forms.Form, name: str) -> bytes:
    """Return the bytes of an uploaded file; empty when none was chosen."""
    file: Any = form.cleaned_data.get(name)
    return bytes(file.read()) if file else b""
