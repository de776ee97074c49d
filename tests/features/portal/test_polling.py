"""A page that asks again by itself gets its part, changes nothing, and keeps nobody signed in."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from portal.audit.models import Event
from tests.makers import notices, stores

FRAGMENT = {"X-Fragment": "1"}


@pytest.fixture
def address(cast):
    stores.published(cast)
    return f"/notices/{notices.make_signer(cast).send().notice.label}/"


@pytest.fixture
def client(cast):
    """Somebody whose session ends in a minute."""
    client = cast.birch.responder.client()
    client.get("/inbox/")  # the first request writes down when the session began
    Session.objects.update(expire_date=timezone.now() + timedelta(minutes=1))
    return client


def left() -> timedelta:
    return Session.objects.get().expire_date - timezone.now()


class TestAPoll:
    @pytest.mark.parametrize(("part", "holds"), [("due", b"Acknowledge"), ("timeline", b"Received")])
    def test_gets_the_part_and_nothing_around_it(self, client, address, part, holds):
        answer = client.get(address, {"part": part}, headers=FRAGMENT)

        assert answer.status_code == 200
        assert holds in answer.content
        assert b"<html" not in answer.content

    def test_changes_nothing(self, client, address):
        before = Event.objects.count()

        client.get(address, {"part": "due"}, headers=FRAGMENT)

        assert Event.objects.count() == before

    def test_does_not_put_off_the_end_of_the_session(self, client, address):
        client.get(address, {"part": "due"}, headers=FRAGMENT)

        assert left() <= timedelta(minutes=1)

    def test_of_a_stranger_finds_nothing(self, cast, address):
        assert cast.cedar.officer.client().get(address, {"part": "due"}, headers=FRAGMENT).status_code == 404


def test_a_person_who_looks_puts_it_off(client, address):
    client.get(address)

    assert left() > timedelta(minutes=29)


def test_a_part_that_does_not_exist_is_the_whole_page(client, address):
    assert b"<html" in client.get(address, {"part": "../secrets"}).content
