"""``/metrics``: every feature's numbers in Prometheus' format, for whoever may read them."""

import hmac
import ipaddress
import logging
from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest
from prometheus_client import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import CollectorRegistry

from portal import features, metrics

logger = logging.getLogger(__name__)


class _Everything:
    def __init__(self, now: datetime) -> None:
        self._now = now

    def collect(self) -> Iterator[Metric]:
        success = metrics.gauge(
            "collector_success", "1 when the numbers of a feature could be read, else 0.", ["collector"]
        )
        for module in features.modules("metrics"):
            name = module.__name__.removesuffix(".metrics")
            try:
                found = list(module.collect(self._now))
            except DatabaseError:
                # One table that does not answer must not hide the numbers that say why.
                logger.exception("The metrics of %s could not be read", name)
                success.add_metric([name], 0)
                continue
            success.add_metric([name], 1)
            yield from found
        yield success


def written(now: datetime, accept: str) -> tuple[bytes, str]:
    """Return everything at ``now`` in the text format that ``accept`` prefers, and its content type."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Everything(now))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


def may_read(request: HttpRequest) -> bool:
    """Say whether the asker holds ``settings.METRICS_TOKEN`` or asks from ``settings.METRICS_ALLOWED_ADDRESSES``.

    An address counts only for whoever is connected to this process: a request that a proxy passed on needs the token, since
    the proxy's own address may be in the list.
    """
    scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
    token = settings.METRICS_TOKEN
    if token and scheme.lower() == "bearer" and hmac.compare_digest(sent.strip().encode(), token.encode()):
        return True
    return not _was_passed_on(request) and _is_listed(request.META.get("REMOTE_ADDR", ""))


def _was_passed_on(request: HttpRequest) -> bool:
    return any(name in request.headers for name in ("X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "Via"))


def _is_listed(address: str) -> bool:
    try:
        asker = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(asker in ipaddress.ip_network(each, strict=False) for each in settings.METRICS_ALLOWED_ADDRESSES)
