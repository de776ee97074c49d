"""Which addresses the portal calls. Partners choose URLs, so each call is a request that an attacker may have chosen.

The same guard stands in front of saving an address, trying it and each later call, and the last word is spoken at connect time,
about the very address that is dialed: a name that changes its answer in between (DNS rebinding) gains nothing.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult
from AntiSSRF import IPAddressRanges
from yarl import URL

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Lookup = Callable[[str], Awaitable[Sequence[str]]]

MAX_URL = 2000
_NUMERIC = re.compile(r"\d+|0x[0-9a-f]*", re.IGNORECASE)
# Ranges that are never a partner's endpoint, from a maintained list; ``is_global`` below refuses more.
_NEVER: tuple[Network, ...] = tuple(ipaddress.ip_network(each) for each in IPAddressRanges.recommended_latest)


class Blocked(Exception):
    """The portal does not call this address. The text says why, without telling what is inside."""


def _folded(address: Address) -> Address:
    """Return the IPv4 address inside ``::ffff:a.b.c.d``, or the address itself."""
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


@dataclass(frozen=True)
class Guard:
    """The rule, as an argument of the client, so that a test can allow its own listener.

    Args:
        allowed: networks that the operator opened on purpose, such as a private link to a partner. Only there may plain
            HTTP, an IP literal or any port be used.
        ports: the ports of addresses on the open Internet.
        plain: also call plain HTTP on the open Internet. Only for what carries its own signature and tells the other side
            nothing: CRLs and OCSP answers are served that way on purpose (RFC 5280 8).
    """

    allowed: tuple[Network, ...] = ()
    ports: frozenset[int] = field(default_factory=lambda: frozenset({443}))
    plain: bool = False

    def opened(self, address: Address) -> bool:
        """Say whether the operator opened this address on purpose."""
        address = _folded(address)
        return any(address.version == network.version and address in network for network in self.allowed)

    def check_url(self, text: str) -> URL:
        """Return the parsed URL. Raises Blocked for what can be refused without asking any name server."""
        if len(text) > MAX_URL or any(ord(each) <= 32 or ord(each) == 127 or each == "\\" for each in text):
            raise Blocked("The URL holds spaces, control characters or backslashes, or is over 2,000 characters.")
        try:
            url = URL(text)
            host, port = url.host, url.port
        except ValueError as error:
            raise Blocked("The URL cannot be read.") from error
        if url.scheme not in ("https", "http") or not host or not port:
            raise Blocked("The URL does not start with https:// and a host name.")
        if url.user is not None or url.password is not None:
            raise Blocked("The URL holds a user name or password. Use a bearer token instead.")
        if url.raw_fragment:
            raise Blocked("The URL has a fragment (#…), which is never sent.")
        literal = _literal(host)
        if literal is not None:
            if not self.opened(literal):
                raise Blocked("The URL names an IP address. Use a host name.")
        elif _NUMERIC.fullmatch(host.rstrip(".").rpartition(".")[2]):
            # Octal, decimal and hexadecimal spellings of addresses; no top-level domain is a number (RFC 3696 section 2).
            raise Blocked("The URL names an IP address. Use a host name.")
        elif "." not in host.rstrip(".") and not self.allowed:
            raise Blocked("The host is not a full domain name.")
        if not self.allowed and not self.plain and url.scheme == "http":
            raise Blocked("The URL is not https.")
        if not self.allowed and port not in self.ports:
            raise Blocked(f"Port {port} is not one that the portal calls.")
        return url

    def check_address(self, text: str, port: int, *, https: bool) -> Address:
        """Return the address to dial. Raises Blocked when it is not on the open Internet, or by the wrong door."""
        try:
            address = _folded(ipaddress.ip_address(text.partition("%")[0]))
        except ValueError as error:
            raise Blocked("The name has an answer that is no address.") from error
        if self.opened(address):
            return address
        if not https and not self.plain:
            raise Blocked("The URL is not https.")
        if port not in self.ports:
            raise Blocked(f"Port {port} is not one that the portal calls.")
        if not address.is_global or address.is_multicast or address.is_reserved or _in_never(address):
            raise Blocked("The name leads to an address that is not on the open Internet.")
        return address


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None


def _in_never(address: Address) -> bool:
    return any(address.version == network.version and address in network for network in _NEVER)


_THREADS = ThreadPoolExecutor(max_workers=32, thread_name_prefix="outbound-dns")


async def system_lookup(host: str) -> Sequence[str]:
    """Return the addresses of a name from the system's resolver, in threads of our own so that slow names wait alone."""
    loop = asyncio.get_running_loop()
    found = await loop.run_in_executor(
        _THREADS, lambda: socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    )
    return list(dict.fromkeys(str(each[4][0]) for each in found))


class PinningResolver(AbstractResolver):
    """Resolves a name once per connection, refuses if *any* answer is refused, and hands out only checked addresses."""

    def __init__(self, guard: Guard, lookup: Lookup = system_lookup) -> None:
        self._guard = guard
        self._lookup = lookup

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        answers = await self._lookup(host)
        # Scheme is checked with the URL and again when dialing; here every answer must be one that we would dial.
        checked = [self._guard.check_address(each, port, https=True) for each in answers]
        if not checked:
            raise Blocked("The name has no address.")
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET6 if address.version == 6 else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in checked
        ]

    async def close(self) -> None:
        """Nothing to close: the threads are shared."""


def guarded_socket(guard: Guard, *, https: bool) -> Callable[[Any], socket.socket]:
    """Return the factory that aiohttp asks for each socket: the last check, about the very address that is dialed."""

    def factory(info: Any) -> socket.socket:
        family, kind, protocol, _, target = info
        guard.check_address(str(target[0]), int(target[1]), https=https)
        made = socket.socket(family=family, type=kind, proto=protocol)
        made.setblocking(False)
        return made

    return factory
