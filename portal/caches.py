"""The shared cache, of which nothing may depend: counts for a minute, and how often somebody tried something.

When Redis is away or hangs, each process keeps what it caches for itself until Redis is back. Limits then count per process, which
is weaker than together and better than no sign-in, no page or no limit at all.
"""

import logging
import time
from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)
REST = 10.0  # seconds for which Redis is left alone after it failed
_METHODS = (
    *("add", "get", "set", "touch", "delete", "get_many", "has_key", "incr", "set_many", "delete_many", "clear"),
)
_meanwhile = LocMemCache("meanwhile", {})


class SteadyRedisCache(RedisCache):
    """Django's Redis cache, with the process's own memory in its place while Redis is away."""

    _away_until = 0.0  # by the steady clock; of the whole process


def _steady(name: str) -> Any:
    shared = getattr(RedisCache, name)

    def method(self: SteadyRedisCache, *args: Any, **options: Any) -> Any:
        if time.monotonic() >= SteadyRedisCache._away_until:
            try:
                return shared(self, *args, **options)
            except (RedisError, OSError) as error:
                SteadyRedisCache._away_until = time.monotonic() + REST
                logger.warning("Redis does not answer; this process keeps its own cache for %g s: %s", REST, error)
        return getattr(_meanwhile, name)(*args, **options)

    method.__name__ = name
    method.__doc__ = shared.__doc__
    return method


for _name in _METHODS:
    setattr(SteadyRedisCache, _name, _steady(_name))
