"""The outbound client for CRLs and OCSP, as this installation configures it."""

import ipaddress
from functools import cache

from django.conf import settings

from portal.outbound.guard import Guard


@cache
def _guard(allowed: tuple[str, ...], ports: tuple[int, ...]) -> Guard:
    networks = tuple(ipaddress.ip_network(each, strict=False) for each in allowed)
    return Guard(allowed=networks, ports=frozenset(ports or (80, 443)), plain=True)


def guard() -> Guard:
    """Return the guard: the open Internet on the configured ports, plain HTTP too, and the networks that the operator opened."""
    return _guard(tuple(settings.REVOCATION_ALLOWED_ADDRESSES), tuple(settings.REVOCATION_PORTS))
