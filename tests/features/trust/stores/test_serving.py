"""Pulls: the exact bytes, a strong ETag, and the same answer whichever path gives it."""

import base64
import gzip
import hashlib
import io
import time
from datetime import timedelta
from wsgiref.util import setup_testing_defaults

import pytest
import time_machine
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections

from portal.counting import durations
from portal.counting import queries as counted
from tests.makers import consumers as make_consumers
from tests.makers import stores as make
from trust.consumers import queries as consumer_queries
from trust.consumers import services as consumer_services
from trust.consumers.models import PullRecord
from trust.consumers.recording import record_pulls
from trust.stores import services
from trust.stores.models import Artifact
from trust.stores.serve import memory, pulls, rates, repeats
from trust.stores.serve.fastpath import FastPath
from trust.stores.serve.pulls import Recorder

CURRENT = "/api/v1/trust-stores/alder-prod/current.pem"


class AlwaysFresh:
    """Stands in for the watching threads, which would look at another transaction than the test's."""

    fresh = True

    @property
    def fresh_until(self) -> float:
        return float("inf") if self.fresh else 0.0

    def is_fresh(self) -> bool:
        return self.fresh


class Door:
    """The WSGI door with its fast path, as a server calls it."""

    def __init__(self) -> None:
        self.recorder = Recorder(record_pulls)
        self.watcher = AlwaysFresh()
        self.path = FastPath(get_wsgi_application(), watcher=self.watcher, recorder=self.recorder)

    def pull(self, path: str, token: str | None = None, *, method: str = "GET", **headers: str):
        environ = {"PATH_INFO": path, "REQUEST_METHOD": method, "HTTP_HOST": "localhost", "wsgi.input": io.BytesIO()}
        setup_testing_defaults(environ)
        environ["HTTP_HOST"] = "localhost"
        if token:
            environ["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        environ |= {f"HTTP_{name.upper()}": value for name, value in headers.items()}
        answer: dict = {}

        def start_response(status, found, *_):
            answer.update(status=int(status[:3]), headers=dict(found))
            answer["pairs"] = len(found)

        # As Django's own test client does: the test's transaction needs its connection.
        for signal in (request_started, request_finished):
            signal.disconnect(close_old_connections)
        try:
            body = b"".join(self.path(environ, start_response))
        finally:
            for signal in (request_started, request_finished):
                signal.connect(close_old_connections)
        assert answer["pairs"] == len(answer["headers"]), "a header is sent twice"
        return answer["status"], answer["headers"], body


@pytest.fixture
def door(monkeypatch):
    # At its end a request gives back its connection to the database, and the transaction of the test would go with it.
    monkeypatch.setattr(memory, "close_old_connections", lambda: None)
    signals = (request_started, request_finished)
    for each in signals:
        each.disconnect(close_old_connections)
    yield Door()
    for each in signals:
        each.connect(close_old_connections)


@pytest.fixture
def token(cast):
    make.published(cast)
    return make_consumers.registered(cast)[1]


class TestPull:
    def test_gives_the_exact_bytes_with_their_digest(self, cast, client, token):
        answer = client.get(CURRENT, headers={"Authorization": f"Bearer {token}"})

        digest = hashlib.sha256(answer.content).digest()
        assert answer.content == bytes(Artifact.objects.get(format="pem").content)
        assert answer["ETag"] == f'"{digest.hex()}"'
        assert answer["Content-Digest"] == f"sha-256=:{base64.b64encode(digest).decode()}:"
        assert answer["Cache-Control"] == "private, no-cache"
        assert "Authorization" in answer["Vary"]
        assert answer["Trust-Store-Version"] == "1"

    def test_says_for_programs_what_the_format_cannot_carry(self, client, token):
        asked = {"Authorization": f"Bearer {token}"}

        flat, whole = (client.get(CURRENT.replace("pem", each), headers=asked) for each in ("pem", "json"))

        assert {"constraints", "purpose", "withdrawal"} <= set(flat["Trust-Store-Loses"].split(", "))
        assert "Trust-Store-Loses" not in whole

    def test_answers_304_to_who_has_the_bytes(self, client, token):
        headers = {"Authorization": f"Bearer {token}"}
        tag = client.get(CURRENT, headers=headers)["ETag"]

        for sent in (tag, f'"other", {tag}', f"W/{tag}", "*"):
            answer = client.get(CURRENT, headers={**headers, "If-None-Match": sent})
            assert (answer.status_code, answer.content) == (304, b""), sent
            assert answer["ETag"] == tag

    @pytest.mark.parametrize("sent", ['"other"', "garbage", '"unclosed', ""])
    def test_answers_200_to_everybody_else(self, client, token, sent):
        answer = client.get(CURRENT, headers={"Authorization": f"Bearer {token}", "If-None-Match": sent})

        assert answer.status_code == 200

    def test_says_that_a_numbered_version_never_changes(self, client, token):
        path = "/api/v1/trust-stores/alder-prod/versions/1.json"
        answer = client.get(path, headers={"Authorization": f"Bearer {token}"})

        assert answer["Cache-Control"] == "private, max-age=31536000, immutable"

    def test_names_the_formats_when_asked_for_another(self, client, token):
        path = "/api/v1/trust-stores/alder-prod/current.exe"
        answer = client.get(path, headers={"Authorization": f"Bearer {token}"})

        assert answer.status_code == 404
        assert answer["Content-Type"] == "application/problem+json"
        assert "pem" in answer.json()["fix"]

    def test_lets_members_of_the_relying_organization_download(self, cast, token):
        assert cast.birch.viewer.client().get(CURRENT).status_code == 200
        assert cast.alder.officer.client().get(CURRENT).status_code == 404
        assert cast.cedar.officer.client().get(CURRENT).status_code == 404

    def test_asks_for_a_token(self, client, token):
        answer = client.get(CURRENT)

        assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")


class TestCodings:
    def ask(self, client, token, path=CURRENT, **headers):
        return client.get(path, headers={"Authorization": f"Bearer {token}", **headers})

    def test_have_each_their_own_tag_which_is_the_digest_of_what_is_sent(self, client, token):
        plain, packed = self.ask(client, token), self.ask(client, token, **{"Accept-Encoding": "gzip"})

        assert packed["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.content) == plain.content
        assert len(packed.content) < 0.9 * len(plain.content)
        for each in (plain, packed):
            assert each["ETag"] == f'"{hashlib.sha256(each.content).hexdigest()}"'
            assert each["Content-Length"] == str(len(each.content))
            assert "Accept-Encoding" in each["Vary"]

    def test_are_both_confirmed_by_either_tag(self, client, token):
        tags = [self.ask(client, token, **{"Accept-Encoding": coding})["ETag"] for coding in ("identity", "gzip")]

        for tag in tags:
            for coding in ("identity", "gzip"):
                answer = self.ask(client, token, **{"Accept-Encoding": coding, "If-None-Match": tag})
                assert (answer.status_code, answer["ETag"]) == (304, tag)

    def test_leave_alone_what_does_not_shrink(self, client, token):
        answer = self.ask(client, token, "/api/v1/trust-stores/alder-prod/current.p12", **{"Accept-Encoding": "gzip"})

        assert "Content-Encoding" not in answer


class TestNegotiation:
    @pytest.mark.parametrize(
        ("accept", "extension"),
        [
            ("", "pem"),
            ("*/*", "pem"),
            ("application/json", "json"),
            ("application/x-pkcs12", "p12"),
            ("application/pkcs7-mime", "p7b"),
            ("application/json;q=0.5, application/x-pem-file", "pem"),
            ("image/png, application/zip;q=0.1", "der.zip"),
            ("text/*", "pem"),
            ("application/json;q=0.5, */*;q=0.1", "json"),
            ("application/pem-certificate-chain;q=0, */*", "json"),
            ("application/pem-certificate-chain;q=0.1, application/*;q=0.5", "json"),
        ],
    )
    def test_gives_the_format_that_the_asker_likes_best(self, client, token, accept, extension):
        answer = client.get(CURRENT[:-4], headers={"Authorization": f"Bearer {token}", "Accept": accept})

        named = client.get(f"{CURRENT[:-3]}{extension}", headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.content, answer["ETag"]) == (200, named.content, named["ETag"])
        assert answer["Content-Location"].endswith(f"/versions/1.{extension}")
        assert "Accept" in [each.strip() for each in answer["Vary"].split(",")]

    @pytest.mark.parametrize("accept", ["image/*", "application/json;q=0", "application/json;q=x", "*/*;q=0"])
    def test_says_what_there_is_when_nothing_fits(self, client, token, accept):
        answer = client.get(CURRENT[:-4], headers={"Authorization": f"Bearer {token}", "Accept": accept})

        assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")
        assert "application/pem-certificate-chain" in answer.json()["detail"]


def test_the_address_of_the_written_guide_gives_the_partners_first_store(client, token):
    answer = client.get("/trust/alder/ca", headers={"Authorization": f"Bearer {token}"})

    assert answer.content == bytes(Artifact.objects.get(format="pem").content)
    again = client.get("/trust/alder/ca", headers={"Authorization": f"Bearer {token}", "If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/trust/alder/ca").status_code == 401


class TestSeveral:
    ADDRESS = "/api/v1/trust-store-set"

    @pytest.fixture
    def both(self, cast, token):
        store = make.empty_store(cast)
        _, secret = consumer_services.register(
            name="gateway",
            stores=[make_consumers.store_of(cast), store],
            actor=cast.birch.admin.actor,
            now=store.created_at,
        )
        return {"Authorization": f"Bearer {secret}"}

    def test_come_in_one_answer_and_stay_apart(self, client, token, both):
        answer = client.get(f"{self.ADDRESS}?store=alder-prod", headers=both)

        alone = client.get(CURRENT, headers=both)
        held = answer.json()["stores"]["alder-prod"]
        assert held["content"].encode() == alone.content
        assert (held["version"], held["etag"]) == (1, alone["ETag"])
        assert answer["ETag"] == f'"{hashlib.sha256(answer.content).hexdigest()}"'
        again = client.get(f"{self.ADDRESS}?store=alder-prod", headers={**both, "If-None-Match": answer["ETag"]})
        assert (again.status_code, again.content) == (304, b"")

    def test_come_as_base64_where_they_are_no_text(self, client, both):
        answer = client.get(f"{self.ADDRESS}?store=alder-prod&format=p12", headers=both)

        held = answer.json()["stores"]["alder-prod"]
        assert base64.b64decode(held["content_base64"]) == bytes(Artifact.objects.get(format="p12").content)

    def test_are_all_there_or_none(self, cast, client, token, both):
        assert client.get(f"{self.ADDRESS}?store=alder-prod&store=other-prod", headers=both).status_code == 404
        assert client.get(f"{self.ADDRESS}?store=alder-prod&store=../x", headers=both).status_code == 404
        only = {"Authorization": f"Bearer {token}"}
        assert client.get(f"{self.ADDRESS}?store=alder-prod&store=other-prod", headers=only).status_code == 404
        assert client.get(self.ADDRESS, headers=both).status_code == 400
        assert client.get(self.ADDRESS).status_code == 401


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

        assert door.pull(CURRENT, token, if_none_match=tag)[0] == 304
        assert door.path.from_memory == 1

    def test_keep_the_protection_of_a_download_and_leave_out_what_pages_need(self, door, token):
        door.pull(CURRENT, token)
        full, same = (door.pull(CURRENT, token, **more)[1] for more in ({}, {"if_none_match": "*"}))

        assert door.path.from_memory == 2
        assert full["X-Content-Type-Options"] == "nosniff"
        assert full["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert "Permissions-Policy" not in full
        assert set(same) == {
            "ETag", "Cache-Control", "Vary", "Content-Location", "Trust-Store-Version", "Request-Id",
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
        first, *others = (pulls(seconds) for seconds in (1, 2, 5))
        assert asked == ["GET"]
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


class TestRepeated:
    """A request that was answered before is answered again without a look-up, for as long as nothing changed."""

    @pytest.fixture
    def looked_up(self, door, token, monkeypatch) -> list[str]:
        """The paths that were looked up, once the usual pull is answered without."""
        open_, seen = door.path.memory.open, []

        def watched(secret, path, at):
            seen.append(path)
            return open_(secret, path, at)

        monkeypatch.setattr(door.path.memory, "open", watched)
        for _ in range(3):
            door.pull(CURRENT, token)
        seen.clear()
        assert (door.pull(CURRENT, token)[0], seen) == (200, [])
        return seen

    @pytest.mark.parametrize("what", ["everything", "token_slot", "store_slot"])
    def test_looks_again_after_any_change(self, door, token, looked_up, what):
        (repeat,) = door.path._repeats.held.values()
        place = 1 if what == "everything" else getattr(repeat, what)
        door.path.counters.words[place] += 1

        assert door.pull(CURRENT, token)[0] == 200
        assert looked_up == [CURRENT]

    def test_looks_again_when_the_token_ended(self, door, token, looked_up, now):
        with time_machine.travel(now + timedelta(days=3650), tick=False):
            assert door.pull(CURRENT, token)[0] == 401
        assert looked_up == [CURRENT]

    def test_is_left_to_django_when_changes_cannot_be_seen(self, door, token, looked_up):
        before, door.watcher.fresh = door.path.from_memory, False

        assert door.pull(CURRENT, token)[0] == 200
        assert door.path.from_memory == before

    @pytest.mark.parametrize(
        "headers",
        [{"if_none_match": '"x"'}, {"accept_encoding": "gzip"}, {"user_agent": "curl/8"}, {"method": "HEAD"}],
        ids=lambda headers: next(iter(headers)),
    )
    def test_is_another_request_with_other_words(self, door, token, looked_up, headers):
        assert door.pull(CURRENT, token, **headers)[0] == 200
        assert looked_up == [CURRENT]

    @pytest.mark.parametrize("headers", [{"cookie": "a=b"}, {"prefer": "wait=0"}, {"host": "evil.example"}], ids=str)
    def test_is_left_to_django_with_words_that_are_not_for_memory(self, door, token, looked_up, headers):
        before = door.path.from_memory

        door.pull(CURRENT, token, **headers)

        assert door.path.from_memory == before

    def test_is_counted_anew_in_each_window(self, door, token, looked_up, settings, now):
        settings.SERVE_MOST_PULLS = 2
        found = []
        for seconds in (60, 60, 60, 70, 70, 70):
            with time_machine.travel(now + timedelta(seconds=seconds), tick=False):
                found.append(door.pull(CURRENT, token)[0])

        assert found == [200, 200, 429, 200, 200, 429]

    def test_is_not_for_somebody_elses_token(self, door, token, looked_up):
        assert door.pull(CURRENT, token + "x")[0] == 401

    def test_is_not_answered_without_tls_where_tls_is_required(self, door, token, looked_up):
        before, door.path._tls_only = door.path.from_memory, True

        door.pull(CURRENT, token)

        assert door.path.from_memory == before

    def test_keeps_a_bounded_number_of_answers(self, door, token, looked_up, monkeypatch):
        monkeypatch.setattr(repeats, "_MOST", 3)
        for extension in ("json", "p7b", "jks", "p12", "pem"):
            assert door.pull(CURRENT.replace("pem", extension), token)[0] == 200
            assert len(door.path._repeats.held) <= 3

    def test_lets_go_of_what_the_bound_on_memory_drops(self, door, token, looked_up, settings):
        settings.SERVE_MEMORY_BYTES = 1
        door.pull(CURRENT.replace("pem", "json"), token)

        assert [path for _, path in door.path._repeats.held] == [CURRENT.replace("pem", "json")]
        assert all(list(each.opened) == [CURRENT.replace("pem", "json")] for each in door.path.memory._tokens.values())

    def test_is_not_kept_of_a_token_that_is_refused(self, door, token, looked_up, cast, now):
        consumer = consumer_queries.get(cast.birch.organization, "payments-gw")
        consumer_services.retire(consumer=consumer, actor=cast.birch.admin.actor, now=now)
        door.path.counters.words[1] += 1  # the change is told after the commit, which a test has not

        assert door.pull(CURRENT, token)[0] == 401
        assert not door.path._repeats.held

    def test_says_how_long_it_took(self, door, token, looked_up, settings):
        durations.write_down()
        before = _pulls_that_came_soon()
        for _ in range(4):
            door.pull(CURRENT, token)
        durations.write_down()

        assert _pulls_that_came_soon() == before + 4


def _pulls_that_came_soon() -> float:
    found = durations.histogram(list(counted.of(durations.BUCKETS)))
    return found.get(("pull", "2xx"), [("", 0.0)])[-1][1]


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
