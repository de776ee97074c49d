"""Requests that were answered before, byte for byte."""

from datetime import timedelta

import pytest
import time_machine

from portal.counting import durations
from portal.counting import queries as counted
from tests.makers.serving import CURRENT, read_all
from trust.consumers import queries as consumer_queries
from trust.consumers import services as consumer_services
from trust.stores.serve import repeats


class TestRepeated:
    """A request that was answered before is answered again without a look-up, for as long as nothing changed."""

    @pytest.fixture
    def looked_up(self, door, token, monkeypatch) -> list[str]:
        """The paths that were looked up, once the usual pull is answered without."""
        look, seen = door.path._from_memory, []

        def watched(environ, path, *words, **more):
            seen.append(path)
            return look(environ, path, *words, **more)

        monkeypatch.setattr(door.path, "_from_memory", watched)
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
        assert set(looked_up) == {CURRENT}

    def test_looks_again_when_the_token_ended(self, door, token, looked_up, now):
        with time_machine.travel(now + timedelta(days=3650), tick=False):
            assert door.pull(CURRENT, token)[0] == 401
        assert set(looked_up) == {CURRENT}

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
        assert set(looked_up) == {CURRENT}

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

    def test_is_not_kept_without_tls_where_tls_is_required(self, door, token, looked_up):
        before, door.path._tls_only = door.path.from_memory, True
        door.path._repeats.forget()

        for _ in range(2):
            door.pull(CURRENT, token)

        assert door.path.from_memory == before
        assert not door.path._repeats.held

    def test_keeps_a_bounded_number_of_answers(self, door, token, looked_up, monkeypatch):
        monkeypatch.setattr(repeats, "_MOST", 3)
        for extension in ("json", "p7b", "jks", "p12", "pem"):
            assert door.pull(CURRENT.replace("pem", extension), token)[0] == 200
            assert len(door.path._repeats.held) <= 3

    def test_lets_go_of_what_the_bound_on_memory_drops(self, door, token, looked_up, settings):
        settings.SERVE_MEMORY_BYTES = 1
        for _ in range(2):
            door.pull(CURRENT.replace("pem", "json"), token)

        (request,) = door.path._repeats.held
        assert b"current.json" in request
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


class TestAConnection:
    """What one connection sends in a row: the answers come in order, and each is to what was asked."""

    def request(self, token: str, *lines: str, path: str = CURRENT) -> bytes:
        words = [f"GET {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {token}", *lines]
        return "\r\n".join([*words, "", ""]).encode()

    @pytest.fixture
    def warm(self, door, token) -> bytes:
        """A request that is answered again."""
        request = self.request(token)
        for _ in range(3):
            assert door.ask(request)[0] == 200
        assert request in door.path._repeats.held
        return request

    def test_answers_each_of_several_requests_that_came_together(self, door, token, warm):
        door.connection.data_received(warm + warm + self.request(token, path="/healthz"))
        door.loop.run()

        assert [status for status, *_ in read_all(door.wire)] == [200, 200, 200]
        assert list(door.path._repeats.held) == [warm]

    def test_knows_no_request_in_pieces(self, door, token, warm):
        before = door.path.from_memory
        for piece in (warm[:30], warm[30:-1]):
            door.connection.data_received(piece)
            door.loop.run()
            assert not door.wire.written
        assert door.ask(warm[-1:])[0] == 200

        assert door.path.from_memory == before + 1
        assert list(door.path._repeats.held) == [warm]

    def test_takes_no_body_for_a_request(self, door, token, warm):
        begins = f"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(warm)}\r\n\r\n".encode()
        before = door.path.from_memory
        door.connection.data_received(begins)
        door.connection.data_received(warm)
        door.loop.run()

        (only,) = read_all(door.wire)
        assert (only[0], door.path.from_memory) == (404, before)

    @pytest.mark.parametrize("line", ["Connection: close", "Expect: 100-continue"])
    def test_does_what_a_header_asks_of_it_each_time(self, door, token, warm, line):
        found = []
        for _ in range(3):
            if door.wire.closed:
                door.connect()
            door.connection.data_received(self.request(token, line))
            door.loop.run()
            found.append((read_all(door.wire)[-1][0], door.wire.closed))

        assert found == [(200, line == "Connection: close")] * 3

    def test_is_given_nothing_twice_that_it_is_too_slow_to_read(self, door, token, warm):
        door.connection.pause_writing()
        before = len(door.loop.tasks)

        door.connection.data_received(warm)

        # Left to the application, which waits until there is room.
        assert (len(door.loop.tasks), bytes(door.wire.written)) == (before + 1, b"")
        door.connection.resume_writing()
        door.loop.run()
        assert [status for status, *_ in read_all(door.wire)] == [200]
