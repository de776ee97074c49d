"""What forms say: what is missing, what a service refused, each with the field, the reason and the fix; and a widget."""

import re
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.forms.renderers import TemplatesSetting
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from portal import errors

# Labels that begin so are no name of a thing: "Choose whom you will call.", "Enter your name."
_WITHOUT_ARTICLE = {"your", "their", "its", "the", "a", "one", "who", "whom", "whose", "what", "which", "when", "where"}
_TICK, _CHOOSE, _WRITE = _NAMELESS = ("Tick this box to go on.", "Choose an answer.", "Write an answer.")
# Labels of one word that name the reader's own.
_SAID = {"Why": "Say why.", "Email": "Enter your email address.", "Password": "Enter your password."}
_CAPITALIZED = re.compile(r"(?<![\w-])[A-Z][a-z]*(?:'s)?(?![\w.-])")


def missing(field: forms.Field, label: str) -> str:
    """Return what to do about a required field that was left empty, by the kind of field: "Enter the serial number (hex)." """
    if field.widget.is_hidden:
        return "Load the page again and send it once more: a part of it did not come along."
    if isinstance(field.widget, forms.CheckboxInput):
        return _TICK
    if isinstance(field, forms.FileField):
        return f"Attach {_named(label)}."
    chosen = isinstance(field, forms.ChoiceField | forms.ModelChoiceField)
    if label.endswith("?"):
        return _CHOOSE if chosen else _WRITE
    if label in _SAID:
        return _SAID[label]
    if label.startswith(("Choose ", "Enter ")):
        return f"{label}."
    return f"{'Choose' if chosen else 'Enter'} {_named(label)}."


def _named(label: str) -> str:
    """Return a label as the object of a sentence: "Serial number" becomes "the serial number"."""
    if ":" in label:
        return f"“{label}”"
    name = _CAPITALIZED.sub(lambda word: word[0].lower(), label)
    first = name.partition(" ")[0]
    return name if first in _WITHOUT_ARTICLE or "." in first else f"the {name}"


class SayingField(BoundField):
    """A field of a form that says, when it was left empty, what is missing and what to do about it.

    A field with a sentence of its own for that keeps it.
    """

    def __init__(self, form: forms.BaseForm, field: forms.Field, name: str) -> None:
        super().__init__(form, field, name)
        said = field.error_messages.get("required")
        if said is not None and said == forms.Field.default_error_messages["required"]:
            field.error_messages["required"] = missing(field, str(self.label))

    @property
    def summary(self) -> list[str]:
        """Return what is wrong, a sentence each, for the top of the page; with the label where a sentence does not name it."""
        label, missing_says = str(self.label), self.field.error_messages.get("required")
        gap = " " if label.endswith("?") else ": "
        return [
            error if error == missing_says and error not in _NAMELESS else f"{label}{gap}{error}"
            for error in map(str, self.errors)
        ]


class Renderer(TemplatesSetting):
    """Draws every form of the portal with the project's templates (``settings.FORM_RENDERER``)."""

    bound_field_class = SayingField


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
