"""The proxy on the way to the portal, where the environment names one: the same variables as for curl and most other programs."""

from urllib.parse import urlsplit

# Typeshed leaves the second out.
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

from trustx.stops import Exit, Stop

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_FIX = "Write it like http://proxy.example:3128, or name the portal in NO_PROXY."


def of(portal: str) -> str:
    """Return the proxy for a portal's address, or nothing. Raises Stop for one that cannot be used.

    HTTPS_PROXY, or ALL_PROXY, unless NO_PROXY names the portal; this machine is asked directly. TLS goes through to the portal, so
    a proxy sees no token and no store.
    """
    address = urlsplit(portal)
    named = getproxies_environment()
    proxy = named.get("https") or named.get("all") or ""
    if not proxy or address.scheme != "https" or address.hostname in LOOPBACK:
        return ""
    if proxy_bypass_environment(address.netloc, named):
        return ""
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    try:
        found = urlsplit(proxy)
        fits = found.scheme in ("http", "https") and bool(found.hostname) and found.port != 0
    except ValueError:
        fits = False
    if not fits:
        raise Stop(Exit.USAGE, "The proxy that the environment names is no address of one.", _FIX)
    return proxy
