"""Who has not moved after a notice: counted by the database and named as far as one screen takes it."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.makers import consumers as make
from tests.makers import notices, stores
from trust.consumers.models import PullRecord
from trust.notices import document, effects, life
from trust.notices.rules import State


@pytest.fixture
def revoked(cast, now):
    """A revocation in effect, and the store without the CA."""
    stores.published(cast)
    for number in range(3):
        make.registered(cast, f"service-{number:03}")
    return notices.make_signer(cast).send(now=now, effective_date=document.stamp(now)).notice


def pulled(cast, name: str, version: int, now) -> None:
    consumer = cast.birch.organization.consumers.get(name=name)
    PullRecord.objects.create(consumer=consumer, store=make.store_of(cast), pulled_at=now, version_number=version)


def test_says_who_runs_what_and_is_over_when_the_last_one_moved(cast, revoked, now):
    pulled(cast, "service-000", 2, now)
    pulled(cast, "service-001", 1, now)

    behind = effects.behind(revoked)
    assert (behind.count, behind.more) == (2, 0)
    assert [(each.consumer.name, each.pull and each.pull.runs, each.needs) for each in behind.first] == [
        ("service-001", 1, 2),
        ("service-002", None, 2),
    ]
    life.sweep(now=now)
    revoked.refresh_from_db()
    assert revoked.state == State.EXECUTED

    PullRecord.objects.update(version_number=2)
    pulled(cast, "service-002", 2, now)
    life.sweep(now=now)

    revoked.refresh_from_db()
    assert revoked.state == State.ADOPTED
    assert effects.behind(revoked).count == 0


def test_of_many_names_the_first_and_asks_no_more_of_the_database(cast, revoked, now):
    with CaptureQueriesContext(connection) as of_three:
        effects.behind(revoked)
    for number in range(3, 30):
        make.registered(cast, f"service-{number:03}")

    with CaptureQueriesContext(connection) as of_thirty:
        behind = effects.behind(revoked)

    assert (behind.count, len(behind.first), behind.more) == (30, effects.NAMED, 10)
    assert len(of_thirty) == len(of_three)
    page = cast.birch.officer.client().get(f"/notices/{revoked.label}/").content.decode()
    assert "30 services have not moved yet" in page
    assert "and 10 more" in page
