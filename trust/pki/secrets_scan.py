"""The search for private keys, run over every upload before anything of it is kept.

It looks at the whole upload as text and as bytes, then again at whatever can be hidden inside: members of
archives, compressed data, base64 in PEM blocks or anywhere else, text in UTF-16. It stops at walls
(`trust.pki.intake_limits`) and says so: a part that could not be searched is as good as a key, see
`ScanReport.complete`.

A finding never carries any part of the key. What may be remembered is the hash of the *public* key.
"""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice

from trust.pki import secrets_der
from trust.pki.archives import Budget, container_of
from trust.pki.certificates import Unreadable, read_certificate
from trust.pki.codes import finding
from trust.pki.display import escape
from trust.pki.findings import Finding
from trust.pki.intake_limits import LIMITS, Limits
from trust.pki.secrets_public import public_spki_sha256
from trust.pki.unpack import unpack


@dataclass(frozen=True, slots=True)
class SecretFound:
    """One private key. `member` is the escaped path inside the upload, empty for the upload itself.

    `line` counts from 1 and is None for binary finds. `public_spki_sha256` is the lower-case hex hash of
    the public key where it can be told without a password, and `matches_certificate_subject` the escaped
    name of a certificate in the same upload with that key.
    """

    kind: str
    member: str
    line: int | None
    public_spki_sha256: str | None = None
    matches_certificate_subject: str | None = None


@dataclass(frozen=True, slots=True)
class ScanReport:
    """What was found, and what could not be searched. Only an upload that is `clean` may be kept."""

    secrets: tuple[SecretFound, ...]
    unsearched: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Everything was searched."""
        return not self.unsearched

    @property
    def clean(self) -> bool:
        """Everything was searched and there is no private key."""
        return self.complete and not self.secrets

    def findings(self) -> tuple[Finding, ...]:
        """Say it in findings, each of which refuses."""
        keys = [finding("private_key", kind=one.kind, where=_where(one)) for one in self.secrets]
        return (*keys, *(finding("not_fully_scanned", reason=reason) for reason in self.unsearched))


def _where(secret: SecretFound) -> str:
    place = secret.member or "the upload"
    return f"{place}, line {secret.line}" if secret.line else place


def scan(content: bytes, *, limits: Limits = LIMITS) -> ScanReport:
    """Search an upload for private keys. Never raises for hostile input."""
    if len(content) > limits.upload:
        return ScanReport((), (f"it is larger than {limits.upload} bytes",))
    walk = _Scan(limits)
    walk.look("", content, 0)
    return ScanReport(tuple(_with_subjects(walk.found, walk.certificates)), tuple(dict.fromkeys(walk.unsearched)))


# One key is enough to refuse. A file full of them must not cost more than that.
_TOLD_AT_MOST = 50
_PRIVATE_LABEL = re.compile(
    rb"(?i)-{4,5}[ \t]?BEGIN[ \t]+([A-Z0-9 ]{0,40}PRIVATE[ \t]+KEY(?:[ \t]+BLOCK)?)[ \t]?-{4,5}"
)
_PUTTY = re.compile(rb"PuTTY-User-Key-File-\d")
_BASE64_RUN = re.compile(rb"[A-Za-z0-9+/_-]{40,}={0,2}(?:[ \t]*(?:\\n|\r?\n|\r)[ \t]*(?!--)[A-Za-z0-9+/_-]+={0,2})*")
_BASE64_ONLY = re.compile(rb"[^A-Za-z0-9+/]")
# Where packed data begins that no reader here opens: other packers, and archives that do not stand at the start.
_PACKED = re.compile(
    rb"PK\x03\x04[\x00-\x40]\x00|\x1f\x8b\x08[\x00-\x1f].{4}[\x00\x02\x04][\x00-\x0d\xff]|7z\xbc\xaf\x27\x1c"
    rb"|\xfd7zXZ\x00|BZh[1-9]1AY&SY|Rar!\x1a\x07|\x28\xb5\x2f\xfd[\x00-\xff]|LZIP\x01",
    re.DOTALL,
)
_PRIVATE_JWK_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "k", "priv"})


class _Scan:
    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.budget = Budget(limits)
        self.found: list[SecretFound] = []
        self.unsearched: list[str] = []
        self.certificates: list[bytes] = []

    def look(self, member: str, content: bytes, depth: int) -> None:
        """Search one piece of the upload, and whatever is inside it."""
        if depth > self.limits.nesting:
            self.unsearched.append(f"{member or 'the upload'} is packed more than {self.limits.nesting} times")
            return
        self._look_at_text(member, content)
        if b"\x00" in content[:4096] and (plain := _from_utf16(content)) is not None:
            self._look_at_text(member, plain)
            self._look_into_runs(member, plain, depth)
        if container_of(content) is None:
            if _PACKED.search(content):
                self.unsearched.append(f"{member or 'the upload'} holds packed data that is not opened")
            self._look_at_bytes(member, content)
            self._look_into_runs(member, content, depth)
        else:
            self._look_into_archive(member, content, depth)

    def _add(self, kind: str, member: str, line: int | None, spki: str | None = None) -> None:
        if len(self.found) >= _TOLD_AT_MOST:
            return
        secret = SecretFound(kind, member, line, spki)
        same_place = [one for one in self.found if (one.member, one.line, one.kind) == (member, line, kind)]
        if not same_place:
            self.found.append(secret)

    def _look_at_text(self, member: str, content: bytes) -> None:
        for match in islice(_PRIVATE_LABEL.finditer(content), _TOLD_AT_MOST):
            label = match[1].decode("ascii").upper()
            spki = public_spki_sha256(content[match.start() : match.start() + 64 * 1024])
            self._add(_kind_of_label(label), member, _line(content, match.start()), spki)
        for match in islice(_PUTTY.finditer(content), _TOLD_AT_MOST):
            self._add("PuTTY private key", member, _line(content, match.start()))
        self._look_for_jwk(member, content)

    def _look_for_jwk(self, member: str, content: bytes) -> None:
        if b'"kty"' not in content:
            return
        try:
            document = json.loads(content)
        except (ValueError, RecursionError):
            # Not one JSON text. A private JWK in the middle of something else still has both members near
            # each other.
            if re.search(rb'"kty".{0,4000}"d"\s*:|"d"\s*:.{0,4000}"kty"', content, re.DOTALL):
                self._add("private JSON Web Key", member, None)
            return
        if any(_is_private_jwk(entry) for entry in _objects(document)):
            self._add("private JSON Web Key", member, None)

    def _look_at_bytes(self, member: str, content: bytes) -> None:
        if (store := secrets_der.find_java_store(content)) is not None:
            self._add(store, member, None)
        if (packet := secrets_der.find_in_packets(content)) is not None:
            self._add(packet, member, None)
        for kind, start, end in islice(secrets_der.find_in_bytes(content), _TOLD_AT_MOST):
            self._add(kind, member, None, public_spki_sha256(content[start:end]))
        if content[:1] == b"\x30":
            self.certificates.append(content)

    def _look_into_archive(self, member: str, content: bytes, depth: int) -> None:
        before = len(self.found)
        self._unpack(member, content, depth)
        # Headers have room for bytes that are no member. A member that is stored as it is would be found twice.
        if len(self.found) == before:
            self._look_at_bytes(member, content)

    def _unpack(self, member: str, content: bytes, depth: int) -> None:
        unpacked = unpack(content, self.budget)
        for one in unpacked.members:
            name = escape(one.name, limit=200)
            self.look("/".join(part for part in (member, name) if part), one.content, depth + 1)
        self.unsearched += [problem.sentence for problem in unpacked.findings]

    def _look_into_runs(self, member: str, content: bytes, depth: int) -> None:
        for count, match in enumerate(_BASE64_RUN.finditer(content)):
            if count >= self.limits.text_runs:
                self.unsearched.append(f"{member or 'the upload'} holds too many encoded parts")
                return
            decoded = _decode_loosely(match[0])
            if decoded is not None:
                self._look_into_decoded(member, content, match.start(), decoded, depth)

    def _look_into_decoded(self, member: str, content: bytes, start: int, decoded: bytes, depth: int) -> None:
        before = len(self.found)
        if _worth_a_look(decoded):
            self.look(member, decoded, depth + 1)
        else:
            self._look_at_bytes(member, decoded)
        if len(self.found) == before:
            return
        # A line inside the encoded part means nothing to a reader; where the part begins does. A key that its label
        # gave away on the line before is the same key. Lines are counted only now: there may be thousands of parts.
        line = _line(content, start)
        known = {(one.member, one.line) for one in self.found[:before]}
        if {(member, line), (member, line - 1)} & known:
            del self.found[before:]
        self.found[before:] = [replace(one, line=line) for one in self.found[before:]]


def _kind_of_label(label: str) -> str:
    known = {
        "PRIVATE KEY": "private key (PKCS#8)",
        "ENCRYPTED PRIVATE KEY": "encrypted private key (PKCS#8)",
        "RSA PRIVATE KEY": "RSA private key (PKCS#1)",
        "EC PRIVATE KEY": "EC private key (SEC1)",
        "DSA PRIVATE KEY": "DSA private key",
        "OPENSSH PRIVATE KEY": "OpenSSH private key",
        "PGP PRIVATE KEY BLOCK": "OpenPGP secret key",
    }
    return known.get(" ".join(label.split()), "private key")


def _line(content: bytes, position: int) -> int:
    return content.count(b"\n", 0, position) + 1


def _from_utf16(content: bytes) -> bytes | None:
    """Text in UTF-16 or UTF-32 without its empty octets, None if there is no text behind them."""
    plain = content.replace(b"\x00", b"")
    return plain if b"-----BEGIN" in plain or b"PuTTY" in plain else None


def _decode_loosely(run: bytes) -> bytes | None:
    # Any alphabet and any line ends: the aim is to find what somebody hid, not to accept it.
    text = _BASE64_ONLY.sub(b"", run.replace(b"\\n", b"").translate(bytes.maketrans(b"-_", b"+/")))
    text = text[: len(text) // 4 * 4] if len(text) % 4 == 1 else text + b"=" * (-len(text) % 4)
    try:
        return binascii.a2b_base64(text)
    except ValueError:
        return None


def _worth_a_look(decoded: bytes) -> bool:
    """Decoded data that is text, compressed or another key format. Everything is looked at as DER anyway."""
    return container_of(decoded) is not None or b"-----BEGIN" in decoded or b"kty" in decoded or b"PuTTY" in decoded


def _objects(document: object) -> Iterator[dict[str, object]]:
    waiting = [document]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def _is_private_jwk(entry: dict[str, object]) -> bool:
    return "kty" in entry and bool(_PRIVATE_JWK_MEMBERS & entry.keys())


def _with_subjects(found: list[SecretFound], certificates: list[bytes]) -> Iterator[SecretFound]:
    subjects = _subjects(certificates) if any(one.public_spki_sha256 for one in found) else {}
    for one in found:
        yield replace(one, matches_certificate_subject=subjects.get(one.public_spki_sha256 or ""))


def _subjects(certificates: list[bytes]) -> dict[str, str]:
    """Names by public key hash, of what can be read."""
    subjects = {}
    for der in certificates:
        with suppress(Unreadable):
            facts = read_certificate(der)
            subjects[facts.spki_sha256] = facts.subject.common_name or str(facts.subject)
    return subjects
