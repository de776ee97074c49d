"""What forms have beside Django's."""

import html
import json
from collections.abc import Iterator

import pytest
from django import forms
from django.template.loader import render_to_string
from django.test.html import parse_html
from django.urls import get_resolver
from rest_framework import serializers

from portal import problems
from portal.forms import LongSelect
from tests.promises.permissions import addresses

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


DEFAULT = str(forms.Field.default_error_messages["required"])


def _every_form(of: type = forms.BaseForm) -> Iterator[type]:
    for each in of.__subclasses__():
        yield each
        yield from _every_form(each)


def _answered(**fields: forms.Field) -> forms.Form:
    """Return a form of these fields that came back empty."""
    return type("Empty", (forms.Form,), fields)({})


class TestEmptyFields:
    @pytest.mark.parametrize(
        ("field", "says"),
        [
            (forms.CharField(label="Serial number (hex)"), "Enter the serial number (hex)."),
            (forms.CharField(label="Your name"), "Enter your name."),
            (forms.CharField(label="OpenPGP public key"), "Enter the OpenPGP public key."),
            (forms.CharField(label="Old key's fingerprint"), "Enter the old key's fingerprint."),
            (forms.IntegerField(label="Level 1: minutes"), "Enter “Level 1: minutes”."),
            (forms.ChoiceField(label="Whom you will call"), "Choose whom you will call."),
            (forms.MultipleChoiceField(label="Scopes"), "Choose the scopes."),
            (forms.ChoiceField(label="Why do you stop?"), "Choose an answer."),
            (forms.CharField(label="What is wrong?"), "Write an answer."),
            (forms.FileField(label="results.json"), "Attach results.json."),
            (forms.BooleanField(label="I read it"), "Tick this box to go on."),
            (forms.CharField(label="Name", error_messages={"required": "Name it."}), "Name it."),
        ],
    )
    def test_say_what_to_do(self, field, says):
        form = _answered(field=field)

        assert form.errors == {"field": [says]}
        assert says in html.unescape(str(form))

    def test_are_said_on_top_too_with_the_label_where_the_sentence_does_not_name_it(self):
        form = _answered(
            stop=forms.ChoiceField(label="Why do you stop?"),
            read=forms.BooleanField(label="I read it"),
            name=forms.CharField(label="Name"),
        )
        form.add_error("name", "Use letters.")

        page = render_to_string("parts/error_summary.html", {"form": form})

        for said in (
            "Why do you stop? Choose an answer.",
            "I read it: Tick this box to go on.",
            ">Enter the name.<",
            "Name: Use letters.",
        ):
            assert said in page

    def test_of_no_form_say_what_django_says(self):
        assert list(addresses(get_resolver())), "all pages, and so their forms, are imported"
        asked = {}
        for each in set(_every_form()):
            form = _answered(**getattr(each, "base_fields", {}))
            asked |= {f"{each.__module__}.{each.__name__}.{name}": str(found) for name, found in form.errors.items()}

        assert len(asked) > 100
        assert [name for name, found in asked.items() if DEFAULT in found] == []


class _Asked(serializers.Serializer):
    name = serializers.CharField()
    owner = serializers.CharField()
    stores = serializers.ListField(child=serializers.CharField(), allow_empty=False)
    file = serializers.FileField()
    interval = serializers.IntegerField()


def test_empty_fields_over_the_api_say_what_to_do():
    asked = _Asked(data={"owner": "", "stores": [], "interval": None})

    try:
        asked.is_valid(raise_exception=True)
    except serializers.ValidationError as refusal:
        found = problems.from_exception(None, refusal, {})

    document = json.loads(found.content)
    assert {each["field"]: each["detail"] for each in document["errors"]} == {
        "name": "It is missing. Send it.",
        "owner": "It is empty. Send a value.",
        "stores": "The list is empty. Send at least one.",
        "file": "It is missing. Send the file.",
        "interval": "It is null. Send a value.",
    }


def test_a_page_whose_form_came_back_says_so_in_its_title(cast):
    page = cast.birch.admin.client().post("/consumers/new/", {"name": ""}).content.decode()

    assert "<title>Error: Register a consumer" in page
