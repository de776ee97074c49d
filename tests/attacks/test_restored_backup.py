"""Yesterday's database is put back (case 63): services have later versions, so nothing is published until a person decides."""

import io
import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from portal import errors
from portal.audit.models import Event
from tests.makers import certificates
from tests.makers import consumers as make_consumers
from tests.makers import stores as make
from tests.makers.serving import CURRENT, Door
from trust.stores import floor
from trust.stores.models import StoreVersion, TrustStore
from trust.stores.tuf.models import TufRepository


@pytest.fixture(autouse=True)
def folder(settings, tmp_path) -> Path:
    settings.VERSION_FLOOR_DIR = str(tmp_path / "floor")
    return tmp_path / "floor"


@pytest.fixture
def store(cast) -> TrustStore:
    return make.published(cast).store


@pytest.fixture
def restored(store) -> TrustStore:
    """A database that ends at v1, where services have v3."""
    floor.keep(store.pk, 3)
    return store


def publish_next(cast) -> StoreVersion:
    return make.published(cast, *make.whole(), certificates.root("Another"))


def go_on(store, **more) -> str:
    out = io.StringIO()
    options = {"organization": store.relying.slug, "reason": "The disk of yesterday is gone."} | more
    call_command("version_floor", "go-on", store.name, stdout=out, **options)
    return out.getvalue()


def test_each_publication_leaves_its_number_outside_of_the_database(cast, folder, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        store = make.published(cast).store

    assert json.loads((folder / f"{store.pk}.json").read_text()) == {"version": 1}


def test_case_63_nothing_is_published_and_the_last_version_is_still_served(cast, restored):
    token = make_consumers.registered(cast)[1]
    before = (StoreVersion.objects.count(), Event.objects.filter(kind="store.published").count())

    with pytest.raises(errors.Conflict) as refused:
        publish_next(cast)

    assert refused.value.code == "database_is_older"
    assert "up to v3" in refused.value.sentence
    assert (StoreVersion.objects.count(), Event.objects.filter(kind="store.published").count()) == before
    assert Door().pull(CURRENT, token)[0] == 200


def test_the_command_names_the_store(restored):
    out = io.StringIO()

    with pytest.raises(CommandError) as ended:
        call_command("version_floor", stdout=out)

    assert ended.value.returncode == 1
    assert f"{restored.name} was published up to v3, and the database ends at v1" in out.getvalue()


def test_after_the_decision_the_next_number_is_above_every_one_given_away(cast, restored):
    before = TufRepository.objects.get()

    said = go_on(restored)
    version = publish_next(cast)

    assert version.number == 4
    assert "v4" in said
    event = Event.objects.get(kind=floor.ACCEPTED)
    assert (event.data["known"], event.data["version"]) == (1, 3)
    after = TufRepository.objects.get()
    for role in ("targets", "snapshot", "timestamp"):
        assert getattr(after, f"{role}_version") > getattr(before, f"{role}_version") + 99_999
    call_command("version_floor", stdout=io.StringIO())
    call_command("verify_stores", stdout=io.StringIO())


def test_the_decision_needs_a_reason_and_a_store_that_is_behind(store):
    with pytest.raises(CommandError):
        go_on(store)
    floor.keep(store.pk, 3)
    with pytest.raises(CommandError):
        go_on(store, reason=" ")
    with pytest.raises(CommandError):
        go_on(store, organization="cedar")

    assert not Event.objects.filter(kind=floor.ACCEPTED).exists()


def test_a_floor_that_cannot_be_read_lets_nothing_pass(cast, restored, folder):
    (folder / f"{restored.pk}.json").write_text("half a fi")

    with pytest.raises(errors.Unavailable):
        publish_next(cast)

    assert StoreVersion.objects.count() == 1


def test_a_lower_number_never_replaces_a_higher_one(restored, folder):
    floor.keep(restored.pk, 2)

    assert json.loads((folder / f"{restored.pk}.json").read_text()) == {"version": 3}


def test_a_folder_that_cannot_be_written_does_not_undo_a_publication(
    cast, settings, tmp_path, django_capture_on_commit_callbacks, caplog
):
    (tmp_path / "file").write_text("in the way")
    settings.VERSION_FLOOR_DIR = str(tmp_path / "file" / "floor")

    with django_capture_on_commit_callbacks(execute=True):
        floor.keep(make.empty_store(cast).pk, 1)

    assert "could not be kept" in caplog.text
