"""Somebody writes to the database itself (case 62): what is changed is refused where it is read, and named by a command."""

import hashlib
import io

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.makers import consumers as make_consumers
from tests.makers import stores as make
from tests.makers.serving import CURRENT, Door
from trust.stores.models import Artifact, StoreEntry, StoreVersion, TrustStore

FORGED = b"-----BEGIN CERTIFICATE-----\nZm9yZ2Vk\n-----END CERTIFICATE-----\n"


@pytest.fixture
def version(cast) -> StoreVersion:
    return make.published(cast)


def found() -> str:
    out = io.StringIO()
    with pytest.raises(CommandError) as ended:
        call_command("verify_stores", stdout=out)
    assert ended.value.returncode == 1
    return out.getvalue()


def test_nothing_is_found_where_nothing_was_changed(version):
    out = io.StringIO()

    call_command("verify_stores", stdout=out)

    assert "1 versions checked" in out.getvalue()


def change_bytes(version):
    digest = hashlib.sha256(FORGED).hexdigest()
    Artifact.objects.filter(version=version, format="pem").update(content=FORGED, sha256=digest, length=len(FORGED))
    return f"{version}.pem"


def take_a_file_away(version):
    Artifact.objects.filter(version=version, format="pem").delete()
    return f"{version}.pem"


def add_a_file(version):
    Artifact.objects.create(
        version=version, format="evil", content_type="x/y", content=FORGED, sha256="0" * 64, length=1
    )
    return f"{version}.evil"


def drop_an_entry(version):
    StoreEntry.objects.filter(version=version).first().delete()
    return str(version)


def make_a_version_up(version):
    made = StoreVersion.objects.create(
        store=version.store,
        number=2,
        kind="removal",
        published_at=version.published_at,
        published_by_label="x",
        reason="x",
    )
    return str(made)


def renumber(version):
    StoreVersion.objects.filter(pk=version.pk).update(number=9)
    return f"{version.store} v9"


def go_back(version):
    TrustStore.objects.filter(pk=version.store_id).update(current_number=0)
    return version.store.name


CHANGES = [change_bytes, take_a_file_away, add_a_file, drop_an_entry, make_a_version_up, renumber, go_back]


@pytest.mark.parametrize("change", CHANGES, ids=lambda each: each.__name__)
def test_case_62_the_command_names_the_row(version, change):
    row = change(version)

    assert any(line.startswith(f"{row}:") for line in found().splitlines())


def test_changed_bytes_are_served_to_nobody(cast, version):
    token = make_consumers.registered(cast)[1]
    change_bytes(version)

    status, _, body = Door().pull(CURRENT, token)

    assert status == 503
    assert FORGED not in body
