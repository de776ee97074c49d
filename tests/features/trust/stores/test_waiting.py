"""Waiting for the next version, through the ASGI door with the real application behind it."""

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from django.core.asgi import get_asgi_application
from django.db import connections
from uvicorn.config import Config
from uvicorn.server import ServerState

from portal.server.running import HOW
from tests.makers import consumers as make_consumers
from tests.makers import serving
from tests.makers import stores as make
from tests.makers.serving import CURRENT, AlwaysFresh
from trust.consumers.models import PullRecord
from trust.stores import services
from trust.stores.serve import asking, events, rates, waiting
from trust.stores.serve.door import Door
from trust.stores.serve.protocol import Line, PullProtocol
from trust.stores.serve.waiting import Told, Waiter, Wakers, seconds_asked


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [("wait=10", 10), ("respond-async, wait=5", 5), ('wait="7"', 7), ("wait=999999", 300), ("await=3", 0), ("", 0)],
)
def test_the_preference_is_read_and_bounded(prefer, seconds):
    assert seconds_asked(prefer) == seconds


def in_a_loop(scenario):
    """Return what a scenario comes to, in a thread of its own: after browser tests this one has a loop that runs already."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, scenario).result()


async def ask(door: Door, token: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    sent: list = []
    never, body = asyncio.Event(), [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive():
        if not body:
            await never.wait()
        return body.pop()

    async def send(message):
        sent.append(message)

    pairs = {"host": "localhost", "authorization": f"Bearer {token}"} | headers
    scope = {
        "type": "http",
        "method": "GET",
        "path": CURRENT,
        "query_string": b"",
        "scheme": "http",
        "headers": [(name.encode(), value.encode()) for name, value in pairs.items()],
    }
    await door(scope, receive, send)
    found = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], found, b"".join(each.get("body", b"") for each in sent)


def publish(cast, now) -> None:
    """Publish the next version, in a thread other than the loop's."""
    services.withdraw_certificates(
        store=make_consumers.store_of(cast),
        certificates=[make.hierarchy().issuing.sha256],
        actor=cast.birch.officer.actor,
        now=now,
        reason="Stolen.",
    )
    connections.close_all()


@pytest.mark.django_db(transaction=True)
class TestWaiting:
    @pytest.fixture
    def token(self, cast):
        make.published(cast)
        return make_consumers.registered(cast)[1]

    @pytest.fixture
    def door(self):
        return Door(get_asgi_application(), serving.Door().path)

    def test_ends_with_the_version_that_somebody_publishes_meanwhile(self, cast, now, door, token):
        async def scenario():
            first = await ask(door, token, prefer="wait=30")
            waiter = asyncio.ensure_future(ask(door, token, **{"prefer": "wait=30", "if-none-match": first[1]["etag"]}))
            while not door.wakers.waiting():
                await asyncio.sleep(0.01)
            other = threading.Thread(target=publish, args=(cast, now))
            other.start()
            answer = await asyncio.wait_for(waiter, 20)
            other.join()
            return first, answer

        first, answer = in_a_loop(scenario())

        assert (first[0], first[1]["trust-store-version"]) == (200, "1")
        assert (answer[0], answer[1]["trust-store-version"]) == (200, "2")
        assert answer[1]["preference-applied"] == "wait=30"

    def test_tells_of_each_version_as_server_sent_events_until_the_asker_leaves(self, cast, now, door, token):
        parts: asyncio.Queue[bytes] = asyncio.Queue()
        heads: list = []

        async def scenario():
            leaves = asyncio.Event()

            async def receive():
                await leaves.wait()
                return {"type": "http.disconnect"}

            async def send(message):
                heads.append(message) if "status" in message else await parts.put(message["body"])

            asked = {"host": "localhost", "authorization": f"Bearer {token}", "accept": "text/event-stream"}
            scope = {"type": "http", "method": "GET", "path": CURRENT, "query_string": b"", "scheme": "http"}
            scope["headers"] = [(name.encode(), value.encode()) for name, value in asked.items()]
            stream = asyncio.ensure_future(door(scope, receive, send))
            first = await asyncio.wait_for(parts.get(), 20)
            await asyncio.to_thread(publish, cast, now)
            second = await asyncio.wait_for(parts.get(), 20)
            leaves.set()
            await asyncio.wait_for(stream, 20)
            return first, second

        found = in_a_loop(scenario())

        assert dict(heads[0]["headers"])[b"content-type"] == b"text/event-stream"
        for number, event in enumerate(found, start=1):
            lines = dict(line.split(": ", 1) for line in event.decode().strip().splitlines())
            assert (lines["id"], lines["event"]) == (str(number), "version")
            assert json.loads(lines["data"])["location"].endswith(f"/versions/{number}.pem")
        assert door.wakers.waiting() == 0
        # Told of a version is not yet in possession of it.
        door.fast_path.recorder.flush()
        assert not PullRecord.objects.exists()

    def test_keeps_who_comes_before_memory_can_be_trusted(self, door, token):
        async def scenario():
            first = await ask(door, token, prefer="wait=30")
            door.fast_path.watcher.fresh = False
            asked = ask(door, token, **{"prefer": "wait=1", "if-none-match": first[1]["etag"]})
            waiter = asyncio.ensure_future(asked)
            await asyncio.sleep(0.2)
            early = waiter.done()
            door.fast_path.watcher.fresh = True
            return early, await asyncio.wait_for(waiter, 30)

        early, answer = in_a_loop(scenario())

        assert not early
        assert (answer[0], answer[1]["preference-applied"]) == (304, "wait=1")

    def test_costs_django_nothing_in_a_loop_that_forgets_its_tag(self, door, token, settings, monkeypatch):
        settings.SERVE_MOST_PULLS = 3
        monkeypatch.setattr(rates, "WINDOW", 10**9)  # none ends meanwhile
        django, asked = door.application, []

        async def watched(scope, receive, send):
            asked.append(scope["path"])
            await django(scope, receive, send)

        door.application = watched

        async def scenario():
            return [await ask(door, token, prefer="wait=30") for _ in range(8)]

        found = in_a_loop(scenario())

        told = [each for each in found if each[0] == 429]
        assert found[0][0] == 200
        assert found[-len(told) :] == told
        assert len(told) >= 5
        assert asked == [CURRENT]
        assert {each[2] for each in told} == {told[0][2]}
        assert {each[1]["content-type"] for each in told} == {"application/problem+json"}
        assert all(int(each[1]["retry-after"]) > 0 for each in told)

    def test_ends_with_304_when_the_time_is_over(self, door, token):
        async def scenario():
            first = await ask(door, token, prefer="wait=1")
            return await ask(door, token, **{"prefer": "wait=1", "if-none-match": first[1]["etag"]})

        status, headers, body = in_a_loop(scenario())

        assert (status, body) == (304, b"")
        assert headers["preference-applied"] == "wait=1"


class Connection:
    """One to the portal's own server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def ask(self, token: str, **headers: str) -> None:
        pairs = {"host": "localhost", "authorization": f"Bearer {token}"} | headers
        lines = "".join(f"{name}: {value}\r\n" for name, value in pairs.items())
        self.writer.write(f"GET {CURRENT} HTTP/1.1\r\n{lines}\r\n".encode())

    async def until(self, words: bytes) -> str:
        return (await asyncio.wait_for(self.reader.readuntil(words), 20)).decode()

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        status, *lines = (await self.until(b"\r\n\r\n")).strip().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        return int(status.split()[1]), headers, await self.reader.readexactly(int(headers.get("content-length", 0)))


@pytest.mark.django_db(transaction=True)
class TestOverTheServer:
    """Nobody's task has to go on: each is told where it waits."""

    @pytest.fixture
    def token(self, cast):
        make.published(cast)
        return make_consumers.registered(cast)[1]

    @pytest.fixture
    def door(self):
        return Door(get_asgi_application(), serving.Door().path)

    @pytest.fixture
    def woken(self, monkeypatch):
        woken: list[Waiter] = []
        wake = Waiter.wake

        def noted(waiter: Waiter) -> None:
            woken.append(waiter)
            wake(waiter)

        monkeypatch.setattr(Waiter, "wake", noted)
        return woken

    async def connect(self, door: Door) -> Connection:
        config = Config(door, **HOW)  # type: ignore[arg-type]  # as in the server, which knows more than uvicorn's types
        self.protocols: list[PullProtocol] = []

        def protocol() -> PullProtocol:
            self.protocols.append(PullProtocol(config, ServerState(), {}))
            return self.protocols[-1]

        server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)  # type: ignore[arg-type]  # as above
        connection = Connection(*await asyncio.open_connection(*server.sockets[0].getsockname()))
        server.close()
        return connection

    def test_a_pull_that_waits_is_answered_with_the_next_version_and_the_connection_goes_on(
        self, cast, now, door, token, woken
    ):
        async def scenario():
            connection = await self.connect(door)
            connection.ask(token)
            tag = (await connection.answer())[1]["etag"]
            connection.ask(token, prefer="wait=30", **{"if-none-match": tag})
            while not door.wakers.waiting():
                await asyncio.sleep(0.01)
            await asyncio.to_thread(publish, cast, now)
            second = await connection.answer()
            connection.ask(token, **{"if-none-match": second[1]["etag"]})
            return second, await connection.answer(), door.wakers.waiting()

        second, third, left = in_a_loop(scenario())

        assert (second[0], second[1]["trust-store-version"], second[1]["preference-applied"]) == (200, "2", "wait=30")
        assert second[2].startswith(b"-----BEGIN CERTIFICATE-----")
        assert (third[0], left, woken) == (304, 0, [])

    def test_a_pull_that_waits_is_told_that_nothing_is_new_when_its_time_is_over(self, door, token, woken):
        async def scenario():
            connection = await self.connect(door)
            connection.ask(token)
            tag = (await connection.answer())[1]["etag"]
            connection.ask(token, prefer="wait=1", **{"if-none-match": tag})
            return await connection.answer(), door.wakers.waiting()

        answer, left = in_a_loop(scenario())

        assert (answer[0], answer[1]["preference-applied"], left, woken) == (304, "wait=1", 0, [])

    def test_a_pull_that_waits_is_answered_at_once_when_the_server_ends(self, door, token):
        async def scenario():
            connection = await self.connect(door)
            connection.ask(token)
            tag = (await connection.answer())[1]["etag"]
            connection.ask(token, prefer="wait=300", **{"if-none-match": tag})
            while not door.wakers.waiting():
                await asyncio.sleep(0.01)
            self.protocols[0].shutdown()
            return (await connection.answer())[0], await asyncio.wait_for(connection.reader.read(), 20)

        assert in_a_loop(scenario()) == (304, b"")

    def test_a_stream_ends_whole_when_the_server_ends(self, door, token):
        async def scenario():
            connection = await self.connect(door)
            connection.ask(token, accept="text/event-stream")
            await connection.until(b"event: version")
            while not door.wakers.waiting():
                await asyncio.sleep(0.01)
            self.protocols[0].shutdown()
            return await asyncio.wait_for(connection.reader.read(), 20)

        assert in_a_loop(scenario()).endswith(b"\r\n0\r\n\r\n")

    def test_a_stream_whose_reader_is_slow_is_left_to_its_task(self, cast, now, door, token, monkeypatch):
        monkeypatch.setattr(Line, "is_open", lambda line: False)

        async def scenario():
            connection = await self.connect(door)
            connection.ask(token, accept="text/event-stream")
            told = [await connection.until(b"event: version")]
            await asyncio.to_thread(publish, cast, now)
            told.append(await connection.until(b"event: version"))
            connection.writer.close()
            return told

        assert [each.rpartition("id: ")[2][:1] for each in in_a_loop(scenario())] == ["1", "2"]

    def test_a_stream_tells_of_each_version_and_of_nothing_new_until_its_reader_leaves(
        self, cast, now, door, token, woken, monkeypatch
    ):
        monkeypatch.setattr(events, "KEEP_ALIVE", 0.5)

        async def scenario():
            connection = await self.connect(door)
            connection.ask(token, accept="text/event-stream")
            told = [await connection.until(b"event: version"), await connection.until(b"still here")]
            await asyncio.to_thread(publish, cast, now)
            told += [await connection.until(b"event: version"), await connection.until(b"still here")]
            left = door.wakers.waiting()
            connection.writer.close()
            while door.wakers.waiting():
                await asyncio.sleep(0.01)
            return told, left

        told, left = in_a_loop(scenario())

        assert [each.rpartition("id: ")[2][:1] for each in told[::2]] == ["1", "2"]
        assert (left, woken) == (1, [])


@pytest.mark.django_db
class TestStrangers:
    def test_cannot_fill_the_memory_with_ways_to_ask(self, monkeypatch):
        async def nobody(scope, receive, send):
            await send({"type": "http.response.start", "status": 401, "headers": []})

        monkeypatch.setattr(asking, "_MOST_KINDS", 5)
        door = Door(
            nobody,
            SimpleNamespace(
                counters=None, watcher=AlwaysFresh(), peek=lambda *_, **__: None, exhausted=lambda *_: None
            ),
        )
        door.fast_path.memory, door.fast_path.find = SimpleNamespace(knows=lambda _: None), lambda *_, **__: None

        async def scenario():
            for number in range(12):
                agent = {"user-agent": f"agent {number}" if number % 2 else "x" * 50_000}
                assert (await ask(door, "wrong", prefer="wait=30", **agent))[0] == 401
                assert len(door.kinds.held) <= 5

        in_a_loop(scenario())
        assert max(len(each.get("HTTP_USER_AGENT", "")) for each in door.kinds.held.values()) < 1000


class Counters:
    """Stands in for shared memory."""

    everything = 0

    def __init__(self) -> None:
        self.changes: dict[int, int] = {}

    def at(self, slot: int) -> int:
        return self.changes.get(slot, 0)

    def change(self, slot: int) -> None:
        self.changes[slot] = self.at(slot) + 1


class TestAWaiter:
    """Without a timer and a task of its own it still hears everything that ends its waiting."""

    def wait(self, *, receive=None, then=None, seconds: float = 30):
        """Return a waiter and what its task came to, after ``then(counters, task)`` when it is parked."""

        async def scenario():
            counters, found = Counters(), []
            wakers = Wakers(counters)

            async def waits():
                waiter = Waiter(7, seconds)
                found.append(waiter)
                wakers.join(waiter)
                try:
                    await waiter.until_woken(receive or asyncio.Event().wait)
                finally:
                    wakers.leave(waiter)

            task = asyncio.ensure_future(waits())
            while not (task.done() or (found and found[0].parked)):
                await asyncio.sleep(0)
            if then:
                then(counters, task)
            await asyncio.wait([task], timeout=20)
            return found[0], task, wakers.waiting()

        return in_a_loop(scenario())

    def test_goes_on_at_a_change(self):
        waiter, task, left = self.wait(then=lambda counters, _: counters.change(7))

        assert (waiter.woken, waiter.gone, task.cancelled(), left) == (True, False, False, 0)

    def test_goes_on_when_its_time_is_over(self):
        waiter, task, left = self.wait(seconds=0.1)

        assert (waiter.woken, waiter.gone, task.cancelled(), left) == (True, False, False, 0)

    def test_is_let_go_when_its_asker_hangs_up(self):
        async def hangs_up():
            return {"type": "http.disconnect"}

        waiter, task, left = self.wait(receive=hangs_up)

        assert (waiter.woken, waiter.gone, task.cancelled(), left) == (False, True, False, 0)

    def test_ends_when_somebody_else_ends_its_task(self):
        waiter, task, left = self.wait(then=lambda _, task: task.cancel())

        assert (waiter.woken, task.cancelled(), left) == (False, True, 0)


class Listener(Waiter):
    """Hears what is told it, as the first of ``outcomes`` says each time."""

    def __init__(self, outcomes: tuple[Told, ...], knows: asyncio.Event) -> None:
        super().__init__(7, 30)
        self.outcomes, self.knows = list(outcomes), knows
        self.looked_up = self.told = 0

    async def look_up(self) -> None:
        self.looked_up += 1
        await self.knows.wait()

    def tell(self) -> Told:
        self.told += 1
        return self.outcomes.pop(0)


class TestTelling:
    """Who waits is told where it waits, and its task sleeps on."""

    def tell(self, *outcomes: Told, count: int = 5, then=None):
        """Return the listeners, and how many wait still, after ``then(counters, listeners, tasks, knows)``."""

        async def scenario():
            counters, knows, listeners, tasks = Counters(), asyncio.Event(), [], []
            wakers = Wakers(counters)

            async def waits():
                listener = Listener(outcomes, knows)
                listeners.append(listener)
                wakers.join(listener)
                try:
                    await listener.until_woken(asyncio.Event().wait)
                finally:
                    wakers.leave(listener)

            tasks += [asyncio.ensure_future(waits()) for _ in range(count)]
            while sum(each.parked for each in listeners) < count:
                await asyncio.sleep(0)
            await then(counters, listeners, tasks, knows)
            left = wakers.waiting()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=20)
            return listeners, left

        return in_a_loop(scenario())

    @staticmethod
    async def until(said) -> None:
        while not said():
            await asyncio.sleep(0.01)

    def test_waits_until_the_first_has_looked_up_what_changed(self):
        before = []

        async def then(counters, listeners, tasks, knows):
            counters.change(7)
            await self.until(lambda: sum(each.looked_up for each in listeners))
            before.append(sum(each.told for each in listeners))
            knows.set()
            await self.until(lambda: sum(each.told for each in listeners) == 5)
            assert not any(task.done() for task in tasks)

        listeners, left = self.tell(Told.WHOLE, then=then)

        assert before == [0]
        assert (sum(each.looked_up for each in listeners), left) == (1, 0)

    def test_tells_who_waits_on_of_each_change(self):
        async def then(counters, listeners, tasks, knows):
            knows.set()
            for times in (1, 2):
                counters.change(7)
                await self.until(lambda: sum(each.told for each in listeners) == 5 * times)  # noqa: B023 - at once
            assert not any(task.done() for task in tasks)

        _, left = self.tell(Told.WAITS_ON, Told.WAITS_ON, then=then)

        assert left == 5

    def test_has_the_task_go_on_where_telling_takes_more(self):
        async def then(counters, listeners, tasks, knows):
            knows.set()
            counters.change(7)
            await asyncio.wait(tasks, timeout=20)
            assert all(task.done() and not task.cancelled() for task in tasks)

        listeners, left = self.tell(Told.NOT_YET, then=then)

        assert (all(each.woken for each in listeners), left) == (True, 0)

    def test_leaves_out_who_hung_up_meanwhile(self):
        async def then(counters, listeners, tasks, knows):
            counters.change(7)
            await self.until(lambda: sum(each.looked_up for each in listeners))
            tasks[2].cancel()
            await asyncio.wait([tasks[2]], timeout=20)
            knows.set()
            await self.until(lambda: sum(each.told for each in listeners) == 4)

        listeners, left = self.tell(Told.WAITS_ON, then=then)

        assert ([each.told for each in listeners], left) == ([1, 1, 0, 1, 1], 4)

    def test_lets_others_on_the_loop_have_their_turn(self, monkeypatch):
        monkeypatch.setattr(waiting, "TURN", 0)
        turns = []

        async def then(counters, listeners, tasks, knows):
            knows.set()
            counters.change(7)
            while (told := sum(each.told for each in listeners)) < 5:
                turns.append(told)
                await asyncio.sleep(0)

        self.tell(Told.WHOLE, then=then)

        assert {1, 2, 3, 4} <= set(turns)
