"""What is cached is nothing that anybody waits for: a Redis that is away costs no page and no limit."""

import socket

import pytest

from portal import caches


@pytest.fixture
def nobody_listens():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        yield held.getsockname()[1]


@pytest.fixture
def hangs():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen(20)  # accepted by the kernel, answered by nobody
        yield held.getsockname()[1]


@pytest.fixture(autouse=True)
def _rested(monkeypatch):
    monkeypatch.setattr(caches.SteadyRedisCache, "_away_until", 0.0)
    yield
    caches._meanwhile.clear()


@pytest.mark.parametrize("port", ["nobody_listens", "hangs"])
def test_a_limit_still_counts_while_redis_is_away(request, port):
    options = {"OPTIONS": {"socket_connect_timeout": 0.2, "socket_timeout": 0.2}}
    cache = caches.SteadyRedisCache(f"redis://127.0.0.1:{request.getfixturevalue(port)}/0", options)

    assert cache.get("tries") is None
    assert cache.add("tries", 1, 60)
    assert cache.incr("tries") == 2
    assert cache.get_many(["tries"]) == {"tries": 2}


def test_a_redis_that_failed_is_left_alone_for_a_while(nobody_listens, caplog):
    cache = caches.SteadyRedisCache(f"redis://127.0.0.1:{nobody_listens}/0", {})

    for number in range(5):
        cache.set("n", number)

    assert cache.get("n") == 4
    assert len(caplog.records) == 1


def test_every_method_that_asks_redis_is_covered():
    from django.core.cache.backends.redis import RedisCache

    asks = {name for name, value in vars(RedisCache).items() if callable(value) and "_cache" in value.__code__.co_names}

    assert asks - {"__init__"} <= set(caches._METHODS)
