"""The order of imports is the order of the design, and foreign keys point the same way."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps
from django.db.models import ForeignKey, ManyToManyField, OneToOneField

ROOT = Path(__file__).resolve().parent.parent.parent
# From the floor up; what stands later may point at what stands earlier.
APPS = ("portal", "trust", "notifications")
OURS = [model for model in apps.get_models() if model._meta.app_label in APPS]

# Rows that only count what happened elsewhere.
COUNTERS = {"PullRecord"}


def test_imports_keep_the_order_of_the_contracts():
    program = Path(sys.executable).with_name("lint-imports")

    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


def _keys():
    for model in OURS:
        for field in model._meta.get_fields():
            if isinstance(field, ForeignKey | OneToOneField | ManyToManyField):
                yield pytest.param(model, field, id=f"{model.__name__}.{field.name}")


@pytest.mark.parametrize(("model", "field"), list(_keys()))
def test_foreign_keys_point_the_way_imports_do(model, field):
    target = field.related_model

    if target._meta.app_label in APPS:
        assert APPS.index(target._meta.app_label) <= APPS.index(model._meta.app_label)


@pytest.mark.parametrize(("model", "field"), list(_keys()))
def test_no_record_is_deleted_because_something_else_was(model, field):
    """A row that others point at cannot go: what was trusted and why must stay readable."""
    if model.__name__ in COUNTERS:
        return
    if isinstance(field, ForeignKey) and field.related_model._meta.app_label in APPS:
        assert field.remote_field.on_delete.__name__ in ("PROTECT", "DO_NOTHING")
