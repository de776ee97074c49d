"""From a refusal back to the form that asked, so that the page can name the field, the reason and the fix."""

from django import forms

from portal import errors


def add_errors(form: forms.BaseForm, refusal: errors.Refusal) -> None:
    """Put what a service refused on ``form``: at its fields where it has them, else on the form as a whole."""
    fields = getattr(refusal, "fields", {})
    placed = False
    for name, sentences in fields.items():
        form.add_error(name if name in form.fields else None, sentences)
        placed = True
    if not placed:
        form.add_error(None, f"{refusal.sentence} {refusal.fix}".strip())
