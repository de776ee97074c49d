"""What a form misses is said by the portal, at the top of the page and at the field, and never by the browser first."""

import re
from pathlib import Path

import pytest

TEMPLATES = Path(__file__).parents[2] / "templates"
FORM = re.compile(r"<form\b(?P<attributes>(?:\"[^\"]*\"|{%.*?%}|{{.*?}}|[^>])*)>(?P<body>.*?)</form>", re.DOTALL)
# A form that Django draws, a field of one, or one written out. What is hidden nobody fills in.
FIELDS = re.compile(
    r"{{\s*\w*form\s*}}|parts/field\.html|{% slot body %}|<select|<textarea|<input(?![^>]*type=\"(?:hidden|submit)\")"
)
ASKING = [
    (path.relative_to(TEMPLATES).as_posix(), number, form)
    for path in sorted(TEMPLATES.rglob("*.html"))
    for number, form in enumerate(FORM.finditer(path.read_text()))
    if re.search(r"method=\"post\"|attrs\.method", form["attributes"]) and FIELDS.search(form["body"])
]


@pytest.mark.parametrize(("name", "form"), [pytest.param(name, form, id=f"{name}-{n}") for name, n, form in ASKING])
def test_a_form_with_fields_leaves_saying_what_is_missing_to_the_portal(name, form):
    assert "novalidate" in form["attributes"], f"{name} lets the browser refuse first"


def test_there_are_forms_to_look_at():
    assert len(ASKING) > 60
