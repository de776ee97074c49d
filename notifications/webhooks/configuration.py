"""The webhook client as this installation configures it."""

import ipaddress
from functools import cache

from django.conf import settings

from portal.outbound.connecting import Tls
from portal.outbound.guard import Guard


@cache
def _guard(allowed: tuple[str, ...], ports: tuple[int, ...]) -> Guard:
    return Guard(
        allowed=tuple(ipaddress.ip_network(each, strict=False) for each in allowed), ports=frozenset(ports or (443,))
    )


def guard() -> Guard:
    """Return the guard: the open Internet on the configured ports, and the networks that the operator opened."""
    return _guard(tuple(settings.WEBHOOK_ALLOWED_ADDRESSES), tuple(settings.WEBHOOK_PORTS))


def tls() -> Tls:
    """Return the TLS files of the client."""
    return Tls(
        settings.WEBHOOK_EXTRA_ROOTS, certificate=settings.WEBHOOK_CLIENT_CERTIFICATE, key=settings.WEBHOOK_CLIENT_KEY
    )
