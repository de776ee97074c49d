"""The audit log in the browser and the API: searched, exported, verified, and never showing what is not the reader's."""

import csv
import io
import json

import pytest
from django.db import connection
from django.urls import reverse

from notifications.deliveries.models import Delivery
from notifications.deliveries.rules import State
from notifications.fanout import services as fanout
from portal.audit import queries as audit
from portal.audit import rules as chain
from portal.audit import triggers
from portal.audit.models import Event
from portal.organizations import tokens
from portal.organizations.models import ApiToken
from tests.makers.events import record


@pytest.fixture
def log(cast, now):
    """Three of Alder's and Birch's, one that is only Alder's own, one of Cedar."""
    shared = {"partnership_id": cast.partnership.pk}
    return [
        record(cast.alder.organization, now, actor=cast.alder.officer.actor, kind="key.uploaded", **shared,
               data={"fingerprint": "AB12"}),
        record(cast.birch.organization, now, actor=cast.birch.officer.actor, kind="agreement.proposed", **shared,
               data={"version": 3}),
        record(cast.alder.organization, now, actor=cast.alder.admin.actor, kind="member.locked",
               data={"name": "=HYPERLINK(0)"}),
        record(cast.cedar.organization, now, actor=cast.cedar.admin.actor, kind="member.locked", data={"name": "Zed"}),
    ]  # fmt: skip


def numbers(html: str, log: list[Event]) -> set[int]:
    """Return which of the events stand on a page."""
    return {event.sequence for event in log if f'href="{reverse("event", args=[event.sequence])}"' in html}


class TestAuditLog:
    def test_shows_what_is_the_readers_and_says_it_in_sentences(self, cast, log):
        html = cast.alder.viewer.client().get(reverse("audit_log")).content.decode()

        assert numbers(html, log) == {1, 2, 3}
        assert "Alder Officer uploaded OpenPGP key AB12" in html

    def test_shows_the_partner_only_what_both_may_see(self, cast, log):
        html = cast.birch.viewer.client().get(reverse("audit_log")).content.decode()

        assert numbers(html, log) == {1, 2}

    @pytest.mark.parametrize(
        ("asked", "found"),
        [
            ({"who": "officer"}, {1, 2}),
            ({"what": "key"}, {1}),
            ({"what": "key.uploaded"}, {1}),
            ({"what": "ke"}, set()),
            ({"partnership": "alder-birch"}, {1, 2}),
            ({"partnership": "cedar-birch"}, set()),
            ({"object": "1"}, {1, 2, 3}),
            ({"object": "2"}, set()),
            ({"from": "2000-01-01"}, {1, 2, 3}),
            ({"to": "2000-01-01"}, set()),
            ({"who": "admin", "what": "member"}, {3}),
        ],
    )
    def test_finds_by_each_filter(self, cast, log, asked, found):
        html = cast.alder.viewer.client().get(reverse("audit_log"), asked).content.decode()

        assert numbers(html, log) == found

    @pytest.mark.parametrize("asked", [{"from": "24/11/2026"}, {"who": "x" * 101}])
    def test_names_what_is_wrong_with_a_search(self, cast, log, asked):
        answer = cast.alder.viewer.client().get(reverse("audit_log"), asked)

        assert answer.status_code == 400
        assert "There is a problem with the search" in answer.content.decode()


class TestEvent:
    def test_shows_every_fact_and_who_was_told(self, cast, now):
        event = record(cast.birch.organization, now)
        fanout.sweep(now=now)

        html = cast.birch.admin.client().get(reverse("event", args=[event.sequence])).content.decode()

        assert event.hash in html
        assert "Birch Officer</strong> by mail" in html

    @pytest.mark.parametrize("number", [4, 99, 10**30])
    def test_is_not_there_for_strangers_as_for_nobody(self, cast, log, number):
        assert cast.alder.viewer.client().get(f"/audit/{number}/").status_code == 404

    def test_says_when_it_was_changed_in_the_database(self, cast, log):
        _unprotected("UPDATE audit_event SET actor_label = 'Somebody Else' WHERE sequence = 1")

        html = cast.alder.viewer.client().get(reverse("event", args=[1])).content.decode()

        assert "This event was changed after it was recorded" in html


class TestDeliverAgain:
    @pytest.fixture
    def dead(self, cast, now):
        event = record(cast.birch.organization, now)
        fanout.sweep(now=now)
        delivery = Delivery.objects.first()
        Delivery.objects.filter(pk=delivery.pk).update(state=State.DEAD, next_attempt_at=None)
        return reverse("event_deliver_again", args=[event.sequence, delivery.pk]), delivery

    def test_makes_a_dead_letter_due(self, cast, dead):
        address, delivery = dead

        assert cast.birch.admin.client().post(address).status_code == 302
        delivery.refresh_from_db()
        assert delivery.state == State.PENDING

    def test_is_refused_for_what_was_not_given_up(self, cast, dead):
        address, _ = dead
        client = cast.birch.admin.client()
        client.post(address)

        assert client.post(address).status_code in (400, 409)

    def test_is_for_those_who_keep_deliveries_of_that_organization(self, cast, dead):
        address, delivery = dead

        assert cast.birch.viewer.client().post(address).status_code == 403
        assert cast.alder.admin.client().post(address).status_code == 404
        delivery.refresh_from_db()
        assert delivery.state == State.DEAD


class TestVerify:
    def test_says_how_many_hold_and_the_head(self, cast, log):
        html = cast.alder.viewer.client().post(reverse("audit_verify")).content.decode()

        assert "The chain holds" in html
        assert "4 events" in html
        assert log[-1].hash in html

    def test_names_the_event_at_which_it_breaks(self, cast, log):
        _unprotected("UPDATE audit_event SET kind = 'x' WHERE sequence = 2")

        html = cast.alder.viewer.client().post(reverse("audit_verify")).content.decode()

        assert "The chain is broken at event 2" in html

    def test_is_refused_to_who_may_not_export(self, cast, log):
        assert cast.alder.responder.client().post(reverse("audit_verify")).status_code == 403


class TestExport:
    def test_as_json_lines_holds_what_each_hash_covers(self, cast, log):
        answer = cast.alder.viewer.client().get(reverse("audit_export_jsonl"))

        lines = [json.loads(line) for line in b"".join(answer.streaming_content).splitlines()]
        assert [line["sequence"] for line in lines] == [1, 2, 3]
        for line in lines:
            before, own = line.pop("previous_hash"), line.pop("hash")
            assert chain.chain(before, line) == own

    def test_as_csv_holds_no_formula(self, cast, log):
        answer = cast.alder.viewer.client().get(reverse("audit_export_csv"))

        rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))
        assert len(rows) == 4
        assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]

    def test_guards_a_cell_that_begins_like_a_formula(self, cast, now):
        class Attacker:
            kind, id, label = "member", "1", "=cmd|' /C calc'!A0"

        record(cast.alder.organization, now, actor=Attacker(), kind="test.happened")

        answer = cast.alder.viewer.client().get(reverse("audit_export_csv"))

        assert b"'=cmd|" in b"".join(answer.streaming_content)

    def test_keeps_to_the_filters(self, cast, log):
        answer = cast.alder.viewer.client().get(reverse("audit_export_jsonl"), {"what": "key"})

        assert len(b"".join(answer.streaming_content).splitlines()) == 1

    def test_is_refused_to_who_may_not_export(self, cast, log):
        assert cast.alder.responder.client().get(reverse("audit_export_csv")).status_code == 403


class TestFeed:
    @pytest.fixture
    def ask(self, cast, now, client):
        secret, hint, digest = tokens.make(tokens.API_PREFIX)
        ApiToken.objects.create(
            organization=cast.alder.organization, name="reader", hint=hint, digest=digest, scopes=["read"],
            created_at=now, expires_at=now.replace(year=now.year + 1), created_by=cast.alder.admin.user,
        )  # fmt: skip
        return lambda **asked: client.get("/api/v1/events/", asked, headers={"Authorization": f"Bearer {secret}"})

    def test_gives_everything_after_a_number_in_order(self, ask, log):
        first = ask(limit=2).json()
        second = ask(limit=2, after=first["last"]).json()

        assert [each["sequence"] for each in first["results"] + second["results"]] == [1, 2, 3]
        assert (first["more"], second["more"]) == (True, False)
        assert ask(after=3).json() == {"results": [], "last": 3, "more": False}

    def test_carries_the_sentence_and_what_the_hash_covers(self, ask, log):
        line = ask().json()["results"][0]

        assert line.pop("sentence") == "Alder Officer uploaded OpenPGP key AB12"
        before, own = line.pop("previous_hash"), line.pop("hash")
        assert chain.chain(before, line) == own

    @pytest.mark.parametrize(
        "asked", [{"after": "-1"}, {"after": "x"}, {"limit": "0"}, {"limit": "501"}, {"after": "9" * 30}]
    )
    def test_names_the_number_that_cannot_be_used(self, ask, log, asked):
        answer = ask(**asked)

        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] in asked

    def test_filters_by_kind(self, ask, log):
        assert [each["kind"] for each in ask(kind="key").json()["results"]] == ["key.uploaded"]


def _unprotected(statement: str) -> None:
    """Change the log behind the database's back, as somebody with its password would."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("ALTER TABLE audit_event DISABLE TRIGGER USER")
        else:
            triggers.remove()
        cursor.execute(statement)
        if connection.vendor == "postgresql":
            cursor.execute("ALTER TABLE audit_event ENABLE TRIGGER USER")
        else:
            triggers.install()
    assert audit.verify()[2] is not None
