"""`ocsp/endpoints.json` of a package: addresses that a partner chose, read and judged, and never contacted from here."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from trust.pki.codes import finding
from trust.pki.display import escape, marks
from trust.pki.findings import Finding
from trust.pki.strict_json import BadJson, read_json

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_HOST = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE
)
_INSIDE = (".local", ".localhost", ".internal", ".intranet", ".lan", ".home.arpa", ".corp", ".home")
_MAX_URLS, _MAX_LENGTH = 100, 2048


def read_endpoints(where: str, content: bytes) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
    """Return the addresses that could be used, and what is wrong with the file or the others. Never raises.

    The guide does not say what the file looks like, so every text in it that begins like an address is one.
    """
    try:
        document = read_json(content, limit=256 * 1024)
    except BadJson as error:
        return (), (finding("endpoints_unreadable", where=where, reason=escape(str(error))),)
    if not isinstance(document, dict):
        return (), (finding("endpoints_unreadable", where=where, reason="it is not a JSON object"),)
    addresses = list(dict.fromkeys(_addresses(document)))
    if not addresses:
        return (), (finding("endpoints_unreadable", where=where, reason="it names no address"),)
    reasons = {address: unsafe(address) for address in addresses[:_MAX_URLS]}
    findings = [
        finding("endpoints_unsafe_url", where=where, reason=f"{escape(address, limit=200)} {reason}")
        for address, reason in reasons.items()
        if reason
    ]
    return tuple(address for address, reason in reasons.items() if not reason), tuple(findings)


def _addresses(document: object) -> Iterator[str]:
    waiting = [document]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
        elif isinstance(one, str) and _SCHEME.match(one):
            yield one


def named_endpoints(content: bytes) -> tuple[tuple[str, str], ...]:
    """Return what the file names, each as ("crl" or "ocsp", address); what cannot be used is left out. Never raises.

    The file is the one for OCSP, so an address is a responder's, unless it or the member around it says CRL.
    """
    usable, _ = read_endpoints("", content)
    kinds = {url: kind for kind, url in _with_kinds(read_json(content, limit=256 * 1024))} if usable else {}
    return tuple((kinds.get(address, "ocsp"), address) for address in usable)


def _with_kinds(document: object) -> Iterator[tuple[str, str]]:
    waiting: list[tuple[str, object]] = [("ocsp", document)]
    while waiting:
        kind, one = waiting.pop()
        if isinstance(one, dict):
            waiting += [(_kind_of(name, kind), value) for name, value in one.items()]
        elif isinstance(one, list):
            waiting += [(kind, value) for value in one]
        elif isinstance(one, str):
            yield ("crl" if one.lower().split("?")[0].endswith(".crl") else kind), one


def _kind_of(member: str, around: str) -> str:
    named = member.lower()
    return "crl" if "crl" in named else "ocsp" if "ocsp" in named else around


def unsafe(address: str) -> str | None:
    """Return why an address is never contacted, None for http and https at a public host name with an ordinary port.

    This judges the text only. Whoever connects must check the resolved address again: a name may point inside.
    """
    if len(address) > _MAX_LENGTH or marks(address) or " " in address or "\\" in address:
        return "is too long or not plain"
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "cannot be read"
    if parts.scheme not in ("http", "https"):
        return "is neither http nor https"
    if "@" in parts.netloc:
        return "carries a user name"
    if _is_number(host):
        return "is a bare number instead of a host name"
    if not _HOST.fullmatch(host) or host.lower().endswith(_INSIDE):
        return "is not at a public host name"
    return "has an unusual port" if port not in (None, 80, 443, 8080, 8443) else None


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        # Decimal, octal and hexadecimal spellings reach the same machines.
        return bool(re.fullmatch(r"(?:0x[0-9a-f]+|[0-9]+)(?:\.(?:0x[0-9a-f]+|[0-9]+))*\.?", host, re.IGNORECASE))
    return True
