"""X.509 authorities in a SPIFFE bundle document (JWK Set, RFC 7517; SPIFFE Trust Domain and Bundle 4)."""

from __future__ import annotations

from dataclasses import dataclass

from trust.pki.codes import finding
from trust.pki.display import escape
from trust.pki.findings import Finding
from trust.pki.pem import decode_base64
from trust.pki.strict_json import BadJson, read_json


@dataclass(frozen=True, slots=True)
class JwksReading:
    """DER certificates with the number of their entry (from 1), and what is to be said."""

    certificates: tuple[tuple[int, bytes], ...]
    findings: tuple[Finding, ...]


def read_jwks(name: str, content: bytes) -> JwksReading:
    """Read the `x509-svid` entries; each must hold exactly one certificate. Never raises."""
    try:
        document = read_json(content, limit=10 * 1024 * 1024)
    except BadJson as error:
        return _refused(name, escape(str(error)))
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list):
        return _refused(name, "it has no list of keys")
    certificates: list[tuple[int, bytes]] = []
    findings: list[Finding] = []
    for number, entry in enumerate(keys, start=1):
        read = _entry(name, number, entry)
        if isinstance(read, Finding):
            findings.append(read)
        else:
            certificates.append((number, read))
    return JwksReading(tuple(certificates), tuple(findings))


def _refused(name: str, reason: str) -> JwksReading:
    return JwksReading((), (finding("jwks_unreadable", where=name, reason=reason),))


def _entry(name: str, number: int, entry: object) -> bytes | Finding:
    if not isinstance(entry, dict):
        return finding("jwks_unreadable", where=name, reason=f"entry {number} is not an object")
    use = entry.get("use")
    if use != "x509-svid":
        shown = escape(str(use), limit=40) if use else "no use"
        return finding("jwks_entry_ignored", where=name, entry=number, use=shown)
    chain = entry.get("x5c")
    if not isinstance(chain, list) or len(chain) != 1 or not isinstance(chain[0], str):
        reason = f"entry {number} does not hold exactly one certificate"
        return finding("jwks_unreadable", where=name, reason=reason)
    try:
        return decode_base64(chain[0])
    except ValueError as error:
        reason = f"entry {number} is not clean base64: {escape(str(error))}"
        return finding("jwks_unreadable", where=name, reason=reason)
