"""From a refusal back to the form that asked, so that the page can name the field, the reason and the fix; and a widget."""

from typing import Any

from django import forms
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from portal import errors


class LongSelect(forms.Select):
    """A select of many options, written in one go: Django runs a template for each, which for a thousand outlasts the page."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        chosen = set(self.format_value(value))
        options = format_html_join(
            "",
            '<option value="{}"{}>{}</option>',
            ((each, mark_safe(" selected") if str(each) in chosen else "", label) for each, label in self.choices),
        )
        return format_html(
            '<select name="{}"{}>{}</select>', name, flatatt(self.build_attrs(self.attrs, attrs)), options
        )


def add_errors(form: forms.BaseForm, refusal: errors.Refusal) -> None:
    """Put what a service refused on ``form``: at its fields where it has them, else on the form as a whole."""
    fields = getattr(refusal, "fields", {})
    placed = False
    for name, sentences in fields.items():
        form.add_error(name if name in form.fields else None, sentences)
        placed = True
    if not placed:
        form.add_error(None, f"{refusal.sentence} {refusal.fix}".strip())
