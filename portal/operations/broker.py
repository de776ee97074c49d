"""Whether the broker answers, and how many messages wait in it."""

from typing import Any

from celery import current_app
from kombu import Connection
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

PATIENCE = 2  # seconds


def waiting() -> int | None:
    """Return how many messages wait for a worker, or None when the broker does not answer within ``PATIENCE``."""
    try:
        with _connection() as connection:
            connection.ensure_connection(max_retries=1, timeout=PATIENCE, interval_start=0, interval_step=0)
            channel: Any = connection.default_channel
            return int(channel._size(current_app.conf.task_default_queue))
    except (OperationalError, RedisError, OSError):
        return None


def _connection() -> Connection:
    options = dict(current_app.conf.broker_transport_options or {})
    if current_app.conf.broker_url and current_app.conf.broker_url.startswith("redis"):
        options |= {"socket_connect_timeout": PATIENCE, "socket_timeout": PATIENCE}
    return Connection(current_app.conf.broker_url, connect_timeout=PATIENCE, transport_options=options)
