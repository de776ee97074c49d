"""What forms have beside Django's."""

from django import forms
from django.test.html import parse_html

from portal.forms import LongSelect

CHOICES = [("", "All"), ("a-b", "Ä <b>& Söhne</b>"), ('"x"', "Quoted")]


class _Both(forms.Form):
    plain = forms.ChoiceField(choices=CHOICES, required=False)
    long = forms.ChoiceField(choices=CHOICES, required=False, widget=LongSelect)


def _written(value: str, name: str):
    form = _Both({"plain": value, "long": value})
    return parse_html(str(form[name]).replace(f'"{name}', '"x').replace(f"_{name}", "_x"))


def test_a_long_select_says_what_djangos_select_says():
    for value in ("", "a-b", '"x"', "unknown"):
        assert _written(value, "long") == _written(value, "plain")
