"""Requests that carry a word the portal no longer uses."""

import hashlib
from importlib import import_module

import pytest
from django.apps import apps

from portal.audit.models import Event
from tests.makers import calls
from tests.makers import keys as key_makers
from trust.verifications import record
from trust.verifications.models import VerificationRecord, VerificationRequest

migration = import_module("trust.migrations.0020_one_word_for_the_openpgp_key")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Signing key", "OpenPGP key"),
        ("Next signing key", "Next OpenPGP key"),
        ("OpenPGP key", "OpenPGP key"),
        ("Signing key of Root CA G2", "Signing key of Root CA G2"),
    ],
)
def test_are_found_by_the_new_one(cast, old, new):
    key_makers.verified_key(cast.alder, cast.birch)
    VerificationRequest.objects.update(label=old)

    migration.rename(apps, None)

    assert set(VerificationRequest.objects.values_list("label", flat=True)) == {new}


def test_about_certificates_keep_the_name_that_somebody_gave(cast):
    request = calls.request(cast, label="Signing key")

    migration.rename(apps, None)

    request.refresh_from_db()
    assert request.label == "Signing key"


def test_leave_what_was_signed_and_logged_as_it_was_read(cast):
    request = calls.request(cast, label="Signing key", item_kind="openpgp_key", fingerprint="ab" * 20)
    calls.recorded(cast, request)
    written = VerificationRecord.objects.get(part="call")
    events = list(Event.objects.order_by("sequence").values_list("data", flat=True))

    migration.rename(apps, None)

    request.refresh_from_db()
    kept = VerificationRecord.objects.get(pk=written.pk)
    assert request.label == "OpenPGP key"
    assert kept.document["item"]["label"] == "Signing key"
    assert hashlib.sha256(record.canonical(kept.document)).hexdigest() == written.sha256
    assert list(Event.objects.order_by("sequence").values_list("data", flat=True)) == events
