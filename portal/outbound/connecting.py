"""Connections to addresses that partners chose: guarded to the socket, no proxy from the environment, no cookies, no inflating."""

import ssl
from dataclasses import dataclass
from functools import cache

import aiohttp

from portal.outbound.guard import Blocked, Guard, Lookup, PinningResolver, guarded_socket, system_lookup


@dataclass(frozen=True)
class Tls:
    """Files, as paths in PEM: who is trusted besides the system's roots, and what the portal shows for mutual TLS."""

    extra_roots: str = ""
    certificate: str = ""
    key: str = ""


@cache
def context(tls: Tls, client_certificate: bool) -> ssl.SSLContext:
    """Return the TLS settings; made once, since a context per call costs more than the call."""
    made = ssl.create_default_context()
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.extra_roots:
        made.load_verify_locations(tls.extra_roots)
    if client_certificate:
        made.load_cert_chain(tls.certificate, tls.key or None)
    return made


def session(
    guard: Guard,
    *,
    https: bool,
    timeout: aiohttp.ClientTimeout,
    lookup: Lookup = system_lookup,
    read_bytes: int = 64 * 1024,
) -> aiohttp.ClientSession:
    """Return a client session whose every socket the guard has seen.

    Args:
        https: what the session is for. https and http have sessions of their own, so that the check at dialing knows which.
        read_bytes: size of the read buffer.

    The caller passes ``allow_redirects=False`` with each request: a redirect is an address that nobody checked.
    """
    connector = aiohttp.TCPConnector(
        limit=0,
        resolver=PinningResolver(guard, lookup),
        use_dns_cache=False,
        socket_factory=guarded_socket(guard, https=https),
        keepalive_timeout=2,
    )
    return aiohttp.ClientSession(
        connector=connector,
        timeout=timeout,
        trust_env=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,  # a small answer must not become a large one
        max_line_size=4096,
        max_field_size=8190,
        read_bufsize=read_bytes,
    )


def blocked(error: BaseException) -> Blocked | None:
    """Return the guard's refusal that an error of the HTTP library hides, if there is one."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, Blocked):
            return cause
        cause = cause.__cause__ or cause.__context__
    return None


def sentence(error: Exception) -> str:
    """Return what went wrong between the portal and an endpoint, without telling what is inside."""
    match error:
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            return "The endpoint's TLS certificate or handshake was refused."
        case aiohttp.ClientConnectorDNSError():
            return "The host name was not found."
        case aiohttp.ClientConnectorError():
            return "The connection was refused or not answered."
        case aiohttp.ServerDisconnectedError() | ConnectionResetError():
            return "The endpoint closed the connection before it answered."
        case aiohttp.ClientPayloadError() | aiohttp.ClientResponseError():
            return "What the endpoint answered is not HTTP."
        case _:
            return "The endpoint could not be reached."
