"""Who reads the feed of notices is noted at little cost, and a program that stops is told of: once, and to its own side."""

from datetime import timedelta

import pytest
import time_machine
from django.db import DatabaseError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from notifications.deliveries.models import Delivery
from notifications.fanout import services as fanout
from portal.audit.models import Event
from portal.organizations import services as organizations
from portal.organizations.models import ApiToken
from portal.partnerships.models import Partnership
from tests.makers import agreements, api_tokens, notices, stores
from tests.makers.metrics import value
from trust.agreements.rules import preset_terms
from trust.notices.feed import queries, rules, services, watching
from trust.notices.feed.models import FeedReader
from trust.notices.feed.rules import State

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
FEED = "/api/v1/notices?after="


@pytest.fixture
def alder(cast):
    stores.published(cast)
    return notices.make_signer(cast)


@pytest.fixture
def bot(cast) -> tuple[ApiToken, str]:
    """A program of Birch that may read."""
    token, secret = api_tokens.made(cast.birch, "read", name="pager-sync")
    ApiToken.objects.filter(pk=token.pk).update(expires_at=token.created_at + timedelta(days=90))
    return token, secret


def read(secret: str, at, after: int = 0, **headers: str):
    """Read the feed with a token at a moment, as a program does."""
    with time_machine.travel(at, tick=False):
        return Client().get(f"{FEED}{after}", headers={"Authorization": f"Bearer {secret}"} | headers)


def reads(cast, bot, at, **fields) -> FeedReader:
    """A reader that read at a moment."""
    services.note_read(token=bot[0], partnership=cast.partnership, reached=0, user_agent="curl/8", now=at)
    FeedReader.objects.filter(token=bot[0]).update(**fields)
    return FeedReader.objects.get(token=bot[0])


def look(since, hours: float) -> int:
    """Look each minute for half an hour and then at the end, as a scheduler that was never away; return how many were told of."""
    told = 0
    for number in range(int(hours * 12) + 1):
        told += watching.watch(now=since + number * 5 * MINUTE)
    return told


def told() -> list[str]:
    kinds = Event.objects.filter(kind__startswith="notice_feed.").order_by("sequence")
    return list(kinds.values_list("kind", flat=True))


class TestAReadOfTheFeed:
    def test_is_noted_with_how_far_it_reached(self, cast, alder, bot, now):
        alder.send()
        second = alder.send().notice

        assert read(bot[1], now, **{"User-Agent": "pager-sync/2.1"}).json()["latest_sequence"] == 2

        reader = FeedReader.objects.get()
        assert (reader.token, reader.partnership, reader.reached) == (bot[0], cast.partnership, second.sequence)
        assert (reader.first_read_at, reader.read_at, reader.user_agent) == (now, now, "pager-sync/2.1")

    @pytest.mark.parametrize(
        ("after", "last_sent", "reached"), [(0, None, 0), (1, None, 1), (0, 2, 2), (999_999_999, None, 3)]
    )
    def test_reached_what_it_was_sent_or_says_that_it_has(self, after, last_sent, reached):
        assert rules.reached(after=after, last_sent=last_sent, latest=3) == reached

    def test_in_a_loop_is_written_down_once_a_minute(self, alder, bot, now):
        alder.send()
        begin = now.replace(second=0) + MINUTE
        read(bot[1], begin)

        with CaptureQueriesContext(connection) as asked:
            for number in range(1, 20):
                read(bot[1], begin + number * timedelta(seconds=3), after=1)
        assert not [each["sql"] for each in asked if "trust_feed_reader" in each["sql"]]
        read(bot[1], begin + MINUTE, after=1)

        assert FeedReader.objects.get().read_at == begin + MINUTE

    def test_that_reached_further_is_written_down_at_once(self, alder, bot, now):
        alder.send()
        read(bot[1], now)
        alder.send()
        read(bot[1], now + timedelta(seconds=1), after=1)

        assert FeedReader.objects.get().reached == 2

    def test_never_takes_back_how_far_it_came(self, cast, bot, now):
        reads(cast, bot, now, reached=7)

        services.note_read(token=bot[0], partnership=cast.partnership, reached=2, user_agent="", now=now - HOUR)

        reader = FeedReader.objects.get()
        assert (reader.reached, reader.read_at) == (7, now)

    def test_is_answered_when_it_cannot_be_written_down(self, alder, bot, now, monkeypatch):
        def full(*_):
            raise DatabaseError("could not extend file: No space left on device")

        monkeypatch.setattr(services, "_write", full)

        assert read(bot[1], now).status_code == 200
        assert not FeedReader.objects.exists()

    def test_by_a_person_or_without_the_answer_is_none(self, cast, alder, bot, now):
        cast.birch.viewer.client().get(f"{FEED}0")
        with time_machine.travel(now, tick=False):
            Client().head(f"{FEED}0", headers={"Authorization": f"Bearer {bot[1]}"})

        assert not FeedReader.objects.exists()


class TestSilence:
    def test_is_told_once_to_the_programs_own_people(self, cast, alder, bot, now):
        alder.send()
        reads(cast, bot, now, interval_seconds=3600, silent_from=now + 2 * HOUR)

        assert look(now, 2) == 0
        assert look(now + 2 * HOUR, 3) == 1

        [event] = Event.objects.filter(kind="notice_feed.silent")
        assert (event.organization_id, event.partnership_id) == (cast.birch.organization.pk, None)
        assert (event.data["programs"], event.data["partners"], event.data["unread"]) == ("pager-sync", "Alder", 1)
        fanout.sweep(now=now + 5 * HOUR)
        mails = Delivery.objects.filter(event=event, channel="mail")
        assert {each.organization_id for each in mails} == {cast.birch.organization.pk}
        assert cast.birch.responder.membership.inbox.filter(event=event).exists()

    def test_begins_after_two_missed_days_when_nobody_promised_anything(self, cast, bot, now):
        reader = reads(cast, bot, now)

        assert reader.silent_from == now + 2 * DAY
        assert queries.standing(reader, cast.birch.organization, now + 2 * DAY).state is State.CURRENT
        assert queries.standing(reader, cast.birch.organization, now + 2 * DAY + MINUTE).state is State.SILENT

    def test_ends_with_the_next_read_and_can_begin_again(self, cast, bot, now):
        reads(cast, bot, now, interval_seconds=3600, silent_from=now + 2 * HOUR)
        look(now, 4)

        read(bot[1], now + 4 * HOUR)
        look(now + 4 * HOUR, 5)

        assert told() == ["notice_feed.silent", "notice_feed.read_again", "notice_feed.silent"]

    def test_is_not_told_of_who_read_while_it_was_looked_for(self, cast, bot, now, monkeypatch):
        reads(cast, bot, now, silent_from=now)
        looked = queries.counted

        def counted(readers):
            found = list(looked(readers).values_list("pk", flat=True))
            services.note_read(token=bot[0], partnership=cast.partnership, reached=0, user_agent="", now=now + HOUR)
            return FeedReader.objects.filter(pk__in=found)

        watching.watch(now=now)
        monkeypatch.setattr(queries, "counted", counted)
        watching.watch(now=now + 5 * MINUTE)

        assert told() == []

    def test_of_many_is_one_event(self, cast, now):
        for number in range(12):
            token, _ = api_tokens.made(cast.birch, "read", name=f"service-{number:02}")
            reads(cast, (token, ""), now, silent_from=now)

        look(now, 2)

        [event] = Event.objects.filter(kind="notice_feed.silent")
        assert event.data["count"] == 12
        assert event.data["programs"].endswith("service-09 and 2 more")

    @pytest.mark.parametrize("how", ["revoked", "ended", "nobody waits"])
    def test_is_never_told_of_who_has_left(self, cast, bot, now, how):
        reader = reads(cast, bot, now, silent_from=now + HOUR)
        if how == "revoked":
            organizations.revoke_api_token(token_id=str(bot[0].pk), actor=cast.birch.admin.actor, now=now)
        elif how == "ended":
            Partnership.objects.update(state=Partnership.State.ENDED)
        else:
            services.promise(reader=reader, interval=None, actor=cast.birch.admin.actor, now=now)

        look(now, 4)

        assert "notice_feed.silent" not in told()
        assert FeedReader.objects.get().silent_from is None, "it is not looked at again and again"

    def test_of_a_token_that_expired_is_told_and_said(self, cast, bot, now):
        reads(cast, bot, now, silent_from=now + HOUR)
        ApiToken.objects.filter(pk=bot[0].pk).update(expires_at=now + MINUTE)

        assert look(now, 4) == 1
        [standing] = queries.standings(cast.birch.organization, now + 4 * HOUR)
        assert (standing.state, standing.token_ended) == (State.SILENT, True)

    def test_is_not_told_for_reads_that_the_portal_missed_itself(self, cast, bot, now):
        reads(cast, bot, now, interval_seconds=600, silent_from=now + 20 * MINUTE)
        look(now, 0.1)
        back = now + 5 * HOUR

        assert look(back, 0.25) == 0, "it has the time of its missed reads after the portal came back"
        read(bot[1], back + 16 * MINUTE)
        assert look(back + 20 * MINUTE, 0.1) == 0

    def test_costs_the_sweep_as_much_however_many_read(self, cast, now):
        def queries_of_a_sweep() -> int:
            with CaptureQueriesContext(connection) as asked:
                watching.watch(now=now)
            return len(asked)

        token, _ = api_tokens.made(cast.birch, "read", name="one")
        reads(cast, (token, ""), now)
        with_one = queries_of_a_sweep()
        for number in range(30):
            reads(cast, api_tokens.made(cast.birch, "read", name=f"more-{number}"), now)
        assert queries_of_a_sweep() == with_one

        FeedReader.objects.update(silent_from=now - MINUTE)
        look(now, 1)
        FeedReader.objects.filter(token__name__startswith="more-2").update(silent_from=now + DAY)
        assert queries_of_a_sweep() <= with_one + 10, "one telling, of eleven programs"

    def test_is_found_by_an_index(self, cast, bot, now):
        reads(cast, bot, now)
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL enable_seqscan = off")

        quiet = FeedReader.objects.filter(silence_told_at=None, silent_from__lt=now).explain()
        again = FeedReader.objects.filter(silence_told_at__isnull=False, silent_from__gte=now).explain()

        assert "feed_that_may_fall_silent" in quiet
        assert "feed_whose_silence_was_told" in again


class TestThePage:
    def test_shows_programs_with_what_they_have_not_read(self, cast, alder, bot, now):
        alder.send()
        reads(cast, bot, now)

        page = cast.birch.viewer.client().get("/notices/feed/").content.decode()

        assert "pager-sync" in page
        assert "0 of 1" in page
        assert "1 unread" in page
        assert f"partnership={cast.partnership.slug}&amp;after=$LAST" in page
        assert 'href="/notices/feed/"' in cast.birch.admin.client().get("/settings/").content.decode()

    def test_and_the_list_of_notices_and_home_say_who_is_silent(self, cast, bot, now):
        reads(cast, bot, now, silent_from=now - MINUTE)
        client = cast.birch.admin.client()

        assert "stopped reading" in client.get("/notices/").content.decode()
        assert "stopped reading" in client.get(f"/p/{cast.partnership.slug}/notices/").content.decode()
        assert "pager-sync stopped reading notices" in client.get("/").content.decode()
        assert "stopped reading" in client.get("/notices/feed/").content.decode()
        assert "stopped reading" not in cast.alder.admin.client().get("/notices/").content.decode()

    @pytest.mark.parametrize("shares", [True, False])
    def test_shows_the_partner_numbers_where_the_agreement_shares_them(self, cast, bot, now, shares):
        terms = preset_terms("guide", ("alder", "birch"))
        terms["sharing"]["consumer_counts"] = shares
        agreements.in_force(cast, terms=terms)
        reads(cast, bot, now, silent_from=now - MINUTE)

        page = cast.alder.viewer.client().get("/notices/feed/").content.decode()

        assert ("Your partners" in page) == shares
        assert [each.silent for each in queries.shared_with(cast.alder.organization, now)] == ([1] if shares else [])
        assert "pager-sync" not in page
        assert queries.shared_with(cast.birch.organization, now) == []
        assert queries.shared_with(cast.cedar.organization, now) == []

    def test_lets_its_keepers_say_how_often_a_program_reads(self, cast, bot, now):
        reader = reads(cast, bot, now)
        path = f"/notices/feed/{reader.pk}/"

        assert cast.birch.admin.client().post(path, {"interval": "900"}).status_code == 302

        reader.refresh_from_db()
        assert (reader.interval_seconds, reader.silent_from) == (900, now + 30 * MINUTE)
        assert Event.objects.get(kind="notice_feed.promise_changed").data["promise"] == "every 15 min"
        assert cast.birch.viewer.client().post(path, {"interval": "300"}).status_code == 403
        for wrong in ("", "1", "x", "９００", "999999999999"):
            refused = cast.birch.admin.client().post(path, {"interval": wrong})
            assert refused.status_code == 400
            assert "Nothing was changed" in refused.content.decode()
        for stranger in (cast.alder, cast.cedar):
            assert stranger.admin.client().post(path, {"interval": "300"}).status_code == 404
            assert "pager-sync" not in stranger.admin.client().get("/notices/feed/").content.decode()


class TestAPromise:
    def test_counts_from_now_on_and_blames_nobody_for_the_time_before(self, cast, bot, now):
        reader = reads(cast, bot, now)

        changed = services.promise(reader=reader, interval=HOUR, actor=cast.birch.admin.actor, now=now + 5 * HOUR)

        assert changed.silent_from == now + 7 * HOUR

    def test_that_is_longer_ends_a_silence_without_saying_that_it_read(self, cast, bot, now):
        reader = reads(cast, bot, now, interval_seconds=3600, silent_from=now + 2 * HOUR)
        look(now, 3)

        services.promise(reader=reader, interval=DAY, actor=cast.birch.admin.actor, now=now + 3 * HOUR)
        look(now + 3 * HOUR, 1)

        assert told() == ["notice_feed.silent", "notice_feed.promise_changed"]
        assert FeedReader.objects.get().silence_told_at is None

    def test_that_is_shorter_leaves_a_silent_program_silent(self, cast, bot, now):
        reader = reads(cast, bot, now, interval_seconds=3600, silent_from=now + 2 * HOUR)
        look(now, 3)

        services.promise(reader=reader, interval=10 * MINUTE, actor=cast.birch.admin.actor, now=now + 3 * HOUR)
        look(now + 3 * HOUR, 2)

        assert told() == ["notice_feed.silent", "notice_feed.promise_changed"]

    def test_is_made_over_the_api_too(self, cast, bot, now):
        reader = reads(cast, bot, now)
        client, path = Client(), f"/api/v1/notice-feed-readers/{reader.pk}"
        keeper, other = (api_tokens.headers(each, "administer") for each in (cast.birch, cast.alder))

        with time_machine.travel(now, tick=False):
            [listed] = client.get("/api/v1/notice-feed-readers", headers=keeper).json()["results"]
            changed = client.patch(path, {"interval_seconds": 600}, content_type="application/json", headers=keeper)
            refused = client.patch(path, {"interval_seconds": 1}, content_type="application/json", headers=keeper)
            stranger = client.patch(path, {"interval_seconds": 600}, content_type="application/json", headers=other)

        assert (listed["program"], listed["state"], listed["interval_seconds"]) == ("pager-sync", "current", 86400)
        assert (changed.status_code, changed.json()["interval_seconds"]) == (200, 600)
        assert (refused.status_code, "interval_seconds" in refused.content.decode()) == (400, True)
        assert stranger.status_code == 404
        assert client.get("/api/v1/notice-feed-readers", headers=other).json()["results"] == []


def test_numbers_for_operators_are_those_of_the_page(cast, alder, now):
    alder.send()
    made = {
        State.SILENT: {"silent_from": now - MINUTE},
        State.BEHIND: {"silent_from": now + DAY},
        State.CURRENT: {"silent_from": now + DAY, "reached": 1},
        State.NOT_AWAITED: {"silent_from": None},
    }
    for state, fields in made.items():
        reads(cast, api_tokens.made(cast.birch, "read", name=state.value), now, **fields)

    assert {each.reader.token.name for each in queries.standings(cast.birch.organization, now)} == set(made)
    for each in queries.standings(cast.birch.organization, now):
        assert each.state.value == each.reader.token.name
        assert value(now, "notice_feed_readers", state=each.state.value) == 1
