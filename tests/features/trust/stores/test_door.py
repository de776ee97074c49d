"""What granian's workers call for a pull: the same answer as by WSGI, without WSGI's ceremony."""

import inspect
import io
import sys
from types import SimpleNamespace

import granian.server.mp
import granian.wsgi
import pytest

from tests.features.trust.stores import test_serving
from tests.features.trust.stores.test_serving import CURRENT
from trust.stores.serve import door as the_door

# Fixtures, which pytest finds by their names.
door, token = test_serving.door, test_serving.token


class Asker:
    """Notes what granian would send."""

    def __init__(self) -> None:
        self.sent: list[tuple] = []

    def response_bytes(self, status, headers, body):
        self.sent.append((status, sorted(headers), body))

    def response_iter(self, status, headers, body):
        parts = []
        while (part := next(body, None)) is not None:
            parts.append(part)
        body.close()
        self.sent.append((status, sorted(headers), b"".join(parts)))


def scope(path: str, token: str, *, method: str = "GET", **headers: str) -> dict:
    """Return a request as granian reads one."""
    words = {f"HTTP_{name.upper()}": each for name, each in headers.items()}
    return {
        "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": "", "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1", "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(),
        "HTTP_HOST": "localhost", "HTTP_AUTHORIZATION": f"Bearer {token}", **words,
    }  # fmt: skip


@pytest.fixture
def called(door):
    """What granian calls by itself, and what it calls with the door installed; how often the first was called."""
    usual = granian.wsgi._callback_wrapper(door.path, {})
    counted = SimpleNamespace(times=0, usual=usual)

    def wsgi(asker, scope):
        counted.times += 1
        return usual(asker, scope)

    counted.door = the_door.door(door.path, wsgi)
    return counted


@pytest.mark.django_db
@pytest.mark.parametrize(("method", "path", "headers"), test_serving.CASES)
def test_gives_what_wsgi_gives(door, called, token, method, path, headers):
    tag = door.pull(CURRENT, token)[1]["ETag"]
    headers = {name: tag if value == "same" else value for name, value in headers.items()}
    asker = Asker()
    statuses = [
        each(asker, scope(path, token, method=method, **headers))
        for each in (called.usual, called.usual, called.door, called.door)
    ]

    assert len(set(statuses)) == 1
    said = [
        (status, [pair for pair in pairs if pair[0] != "Request-Id"], body if status < 400 else b"")
        for status, pairs, body in asker.sent
    ]
    assert said == [said[0]] * 4
    # Who asks by HEAD takes no version, so that it is no pull that is kept.
    kept = statuses[0] == 304 or (statuses[0], method) == (200, "GET")
    assert called.times == (0 if kept else 2)


@pytest.mark.django_db
def test_asks_wsgi_again_once_something_changed(door, called, token):
    asker = Asker()
    for _ in range(3):
        called.door(asker, scope(CURRENT, token))
    assert called.times == 2  # Django's, which shows the headers, and the one that is kept
    door.path.counters.words[1] += 1

    called.door(asker, scope(CURRENT, token))

    assert called.times == 3
    assert {status for status, *_ in asker.sent} == {200}


class TestInstall:
    @pytest.fixture(autouse=True)
    def _granian_is_left_as_it_was(self, monkeypatch):
        monkeypatch.setattr(granian.server.mp, "_wsgi_call_wrap", granian.wsgi._callback_wrapper)

    @pytest.mark.django_db
    def test_takes_the_place_of_what_granian_calls(self, door, token):
        assert the_door.install()

        # By this name a worker asks for what it calls, after it loaded the application.
        assert "_wsgi_call_wrap(callback, scope_opts, log_access_fmt)" in inspect.getsource(granian.server.mp)
        wrapped = granian.server.mp._wsgi_call_wrap(door.path, {}, None)
        for _ in range(3):
            assert wrapped(Asker(), scope(CURRENT, token)) == 200
        assert wrapped.__qualname__.startswith("door.")

    @pytest.mark.parametrize(
        ("options", "access_log"), [({"url_path_prefix": "/portal"}, None), ({}, "%(status)d")], ids=["prefix", "log"]
    )
    def test_leaves_what_it_does_not_do_to_granian(self, door, options, access_log):
        the_door.install()

        wrapped = granian.server.mp._wsgi_call_wrap(door.path, options, access_log)

        assert not wrapped.__qualname__.startswith("door.")

    def test_leaves_other_applications_alone(self):
        the_door.install()

        assert not granian.server.mp._wsgi_call_wrap(lambda *_: [], {}, None).__qualname__.startswith("door.")

    def test_says_that_it_does_not_know_this_granian(self, monkeypatch, caplog):
        monkeypatch.delattr(granian.server.mp, "_wsgi_call_wrap")

        assert not the_door.install()
        assert "answered as by any other server" in caplog.text

    def test_does_nothing_on_another_server(self, monkeypatch):
        monkeypatch.delitem(sys.modules, "granian.server.mp")

        assert not the_door.install()
