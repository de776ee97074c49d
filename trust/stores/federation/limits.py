"""How often one address may fetch what is public: bounds what a broken loop of a stranger costs, far above what fetching needs."""

import ipaddress
import time

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.http import HttpRequest

from portal import errors
from trust.stores import windows

WINDOW = 60  # seconds

_fetches = windows.Windows[str, windows.Window](windows.Window, most_kept=100_000)


def require(request: HttpRequest) -> None:
    """Count a fetch. Raises TooMany when the asker's address fetched too often; each process counts for itself."""
    now = time.time()
    address = _network(get_adapter().get_client_ip(request) or "")
    if not _fetches.of(address).admits(now, WINDOW, settings.SPIFFE_MOST_FETCHES):
        raise errors.TooMany(
            f"Your address fetched more than {settings.SPIFFE_MOST_FETCHES} times in {WINDOW} seconds.",
            code="too_many_fetches",
            retry_after=windows.left(now, WINDOW),
            fix="Fetch at the refresh hint of the bundle, and send If-None-Match.",
        )


def _network(address: str) -> str:
    """Return what one asker has to itself: an IPv4 address, or the 64 bits that one customer gets of IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return address if parsed.version == 4 else str(ipaddress.ip_network((parsed, 64), strict=False))
