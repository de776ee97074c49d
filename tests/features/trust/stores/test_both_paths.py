"""Pulls get the same answer whichever path gives it: Django, memory, or what was answered before."""

import time

import pytest
import time_machine

from tests.makers import consumers as make_consumers
from tests.makers import stores as make
from tests.makers.serving import CURRENT
from trust.consumers import queries as consumer_queries
from trust.consumers import services as consumer_services
from trust.consumers.models import PullRecord
from trust.stores import services
from trust.stores.serve import pulls, rates

CASES = [
    ("GET", CURRENT, {}),
    ("HEAD", CURRENT, {}),
    ("GET", CURRENT, {"if_none_match": "same"}),
    ("HEAD", CURRENT, {"if_none_match": "same"}),
    ("GET", CURRENT, {"if_none_match": '"other"'}),
    ("GET", CURRENT, {"if_none_match": "nonsense"}),
    ("GET", CURRENT, {"accept": "application/json"}),
    ("GET", CURRENT, {"accept": "image/png"}),
    ("GET", CURRENT, {"accept_encoding": "gzip"}),
    ("GET", CURRENT, {"accept_encoding": "br;q=1.0, gzip;q=0.8, *;q=0.1"}),
    ("GET", CURRENT, {"accept_encoding": "gzip;q=0"}),
    ("HEAD", CURRENT, {"accept_encoding": "gzip"}),
    ("GET", CURRENT, {"accept_encoding": "gzip", "if_none_match": "same"}),
    ("GET", CURRENT, {"accept_encoding": "gzip", "if_none_match": "packed"}),
    ("GET", CURRENT, {"if_none_match": "packed"}),
    ("GET", CURRENT, {"if_none_match": "*"}),
    ("GET", CURRENT, {"range": "bytes=0-10"}),
    ("GET", CURRENT, {"range": "bytes=0-10", "if_range": "same"}),
    ("GET", "/api/v1/trust-stores/alder-prod/current.p12", {"accept_encoding": "gzip"}),
    ("GET", "/trust/alder/ca", {}),
    ("GET", "/trust/alder/ca", {"if_none_match": "same"}),
    ("GET", "/trust/cedar/ca", {}),
    ("GET", "/api/v1/trust-stores/alder-prod/current.json", {}),
    ("GET", "/api/v1/trust-stores/alder-prod/versions/1.pem", {}),
    ("GET", "/api/v1/trust-stores/alder-prod/versions/2.pem", {}),
    ("GET", "/api/v1/trust-stores/alder-prod/versions/0.pem", {}),
    ("GET", "/api/v1/trust-stores/alder-prod/current.exe", {}),
    ("GET", "/api/v1/trust-stores/birch-prod/current.pem", {}),
    ("GET", "/api/v1/trust-stores/../current.pem", {}),
    ("POST", CURRENT, {}),
]


class TestBothPaths:
    @pytest.mark.parametrize(("method", "path", "headers"), CASES)
    def test_give_one_answer(self, door, token, method, path, headers):
        tag = door.pull(CURRENT, token)[1]["ETag"]
        packed = door.pull(CURRENT, token, accept_encoding="gzip")[1]["ETag"]
        words = {"same": tag, "packed": packed}
        headers = {name: words.get(value, value) for name, value in headers.items()}
        door.watcher.fresh = False
        slow = door.pull(path, token, method=method, **headers)
        door.watcher.fresh, before = True, door.path.from_memory
        found = [door.pull(path, token, method=method, **headers) for _ in range(3)]  # looked up, found, repeated

        answered = door.path.from_memory > before
        assert answered == (slow[0] in (200, 304)), "the fast path did not take part"
        for answer in (slow, *found):
            assert answer[1].pop("Request-Id")
        if slow[2].startswith(b"{") and slow[0] >= 400:
            slow, *found = (answer[:2] for answer in (slow, *found))
        assert found == [slow] * 3

    def test_confirm_a_tag_before_the_process_ever_sent_a_whole_store(self, door, client, token):
        tag = client.get(CURRENT, headers={"Authorization": f"Bearer {token}"})["ETag"]

        for times in (1, 2):
            assert door.pull(CURRENT, token, if_none_match=tag)[0] == 304
            assert door.path.from_memory == times

    def test_keep_the_protection_of_a_download_and_leave_out_what_pages_need(self, door, token):
        door.pull(CURRENT, token)
        full, same = (door.pull(CURRENT, token, **more)[1] for more in ({}, {"if_none_match": "*"}))

        assert door.path.from_memory == 2
        assert full["X-Content-Type-Options"] == "nosniff"
        assert full["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert "Permissions-Policy" not in full
        assert set(same) == {
            "etag", "cache-control", "vary", "content-location", "trust-store-version", "request-id",
        }  # fmt: skip

    def test_bound_together_how_often_one_token_pulls(self, door, token, settings, monkeypatch):
        settings.SERVE_MOST_PULLS = 4
        monkeypatch.setattr(rates, "WINDOW", 10**9)  # none ends meanwhile
        found = []
        for fresh in (False, True, True, True, True, False):
            door.watcher.fresh = fresh
            found.append(door.pull(CURRENT, token))

        assert [each[0] for each in found] == [200, 200, 200, 200, 429, 429]
        assert door.path.from_memory == 3
        assert int(found[-1][1]["Retry-After"]) >= 1
        assert found[-1][1]["Content-Type"] == "application/problem+json"

    def test_refuse_a_loop_without_django_until_its_window_ends(self, door, token, settings, now):
        settings.SERVE_MOST_PULLS = 2
        django, asked = door.path.application, []

        def watched(environ, start_response):
            asked.append(environ["REQUEST_METHOD"])
            return django(environ, start_response)

        door.path.application = watched
        begins = now.timestamp() // rates.WINDOW * rates.WINDOW

        def pulls(seconds: int, **how) -> tuple:
            with time_machine.travel(begins + seconds, tick=False):
                return door.pull(CURRENT, token, **how)

        assert [pulls(0)[0] for _ in range(2)] == [200, 200]
        asked.clear()
        before = door.threads.times
        first, *others = (pulls(seconds) for seconds in (1, 2, 5))
        in_threads = door.threads.times - before
        assert asked == ["GET"]
        # Nor does it take one of the threads that answer pages.
        assert in_threads == 1
        assert [each[0] for each in (first, *others)] == [429] * 3
        # The same words under the same number; only the seconds that are left are fewer.
        left = [int(each[1].pop("Retry-After")) for each in (first, *others)]
        assert left == sorted(left, reverse=True)
        assert len(set(left)) == 3
        assert others == [first, first]
        assert pulls(6, method="HEAD")[0] == 429
        assert asked == ["GET"]
        pulls(6, cookie="a=b")
        assert asked == ["GET", "GET"]  # what is unusual is Django's, as ever
        assert [pulls(seconds)[0] for seconds in (20, 20, 20)] == [200, 200, 429]

    def test_refuse_no_loop_for_a_token_that_was_revoked_meanwhile(self, cast, door, token, settings, now, monkeypatch):
        settings.SERVE_MOST_PULLS = 2
        monkeypatch.setattr(rates, "WINDOW", 10**9)
        assert [door.pull(CURRENT, token)[0] for _ in range(4)] == [200, 200, 429, 429]
        consumer = consumer_queries.get(cast.birch.organization, "payments-gw")
        consumer_services.retire(consumer=consumer, actor=cast.birch.admin.actor, now=now)
        door.path.counters.words[1] += 1  # the change is told after the commit, which a test has not

        assert door.pull(CURRENT, token)[0] == 401

    def test_note_the_pull(self, cast, door, token):
        for fresh in (False, True, True):
            door.watcher.fresh = fresh
            door.pull(CURRENT, token, user_agent="curl/8")
        door.recorder.flush()

        # The Django view notes in the process's own recorder, which the test does not flush.
        pull = PullRecord.objects.get()
        assert (pull.version_number, pull.user_agent, pull.pull_count) == (1, "curl/8", 2)

    @pytest.mark.parametrize("fresh", [False, True], ids=["Django", "memory"])
    def test_note_who_takes_a_version_and_not_who_only_asks(self, cast, door, token, fresh, monkeypatch):
        monkeypatch.setattr(pulls, "recorder", door.recorder)  # Django notes in the process's own
        tag = door.pull(CURRENT, token, method="HEAD")[1]["ETag"]
        door.watcher.fresh = fresh
        for _ in range(3):
            door.pull(CURRENT, token, method="HEAD")
        door.recorder.flush()
        for method in ("HEAD", "GET"):
            for _ in range(3):
                assert door.pull(CURRENT, token, method=method, if_none_match="*")[0] == 304
        door.recorder.flush()
        assert not PullRecord.objects.exists()

        # Who has the version says so by its tag, whatever the method.
        door.pull(CURRENT, token, method="HEAD", if_none_match=tag)
        for _ in range(2):
            door.pull(CURRENT, token, method="HEAD")
        door.recorder.flush()
        assert PullRecord.objects.get().version_number == 1

    @pytest.mark.parametrize(
        "headers", [{"cookie": "session=x"}, {"host": "evil.example"}, {"authorization": "Basic eA=="}]
    )
    def test_leave_what_is_unusual_to_django(self, door, token, headers):
        door.pull(CURRENT, token)

        door.pull(CURRENT, token, **headers)

        assert door.path.from_memory == 0


@pytest.mark.django_db(transaction=True)
class TestMemory:
    def warm(self, door, token) -> str:
        door.pull(CURRENT, token)
        status, headers, _ = door.pull(CURRENT, token)
        assert (status, door.path.from_memory) == (200, 1)
        return headers["ETag"]

    def test_serves_the_next_version_at_once(self, cast, now, door, token):
        tag = self.warm(door, token)
        store = make_consumers.store_of(cast)
        services.withdraw_certificates(
            store=store,
            certificates=[make.hierarchy().issuing.sha256],
            actor=cast.birch.officer.actor,
            now=now,
            reason="Compromised.",
        )

        status, headers, body = door.pull(CURRENT, token, if_none_match=tag)

        assert (status, headers["Trust-Store-Version"]) == (200, "2")
        assert make.hierarchy().issuing.der not in body

    @pytest.mark.parametrize("how", ["revoke", "retire", "other stores", "rotate"])
    def test_forgets_a_token_at_once(self, cast, now, door, token, how):
        self.warm(door, token)
        consumer = consumer_queries.get(cast.birch.organization, "payments-gw")
        actor = cast.birch.admin.actor
        held = consumer.tokens.get()
        match how:
            case "revoke":
                consumer_services.revoke_token(consumer=consumer, token_id=held.pk, actor=actor, now=now)
            case "retire":
                consumer_services.retire(consumer=consumer, actor=actor, now=now)
            case "rotate":
                consumer_services.rotate_token(consumer=consumer, actor=actor, now=now, overlap=now - now)
            case "other stores":
                make.empty_store(cast)
                consumer_services.change(
                    consumer=consumer,
                    stores=[make_consumers.store_of(cast, "other-prod")],
                    owner="",
                    interval=make_consumers.FIVE_MINUTES,
                    actor=actor,
                    now=now,
                )

        time.sleep(0.01)
        assert door.pull(CURRENT, token)[0] == (404 if how == "other stores" else 401)

    def test_is_not_used_when_changes_cannot_be_seen(self, door, token):
        self.warm(door, token)
        door.watcher.fresh = False

        door.pull(CURRENT, token)

        assert door.path.from_memory == 1
