"""The doors: what reads bytes that somebody else chose, which exceptions it may raise, and seeds to start from.

Anything else that comes out of a door is a bug: those who call it handle what is declared, and the rest would be a 500.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from tests.makers import certificates as make
from tests.makers.packages import guide_members, tarred, zipped
from trust.notices import reading as notices
from trust.pki import strict_json
from trust.pki.archives import container_of
from trust.pki.endpoints import read_endpoints
from trust.pki.examination import examine
from trust.pki.findings import Severity
from trust.pki.openpgp import armor, clearsign, inline, packets, signature_packet
from trust.pki.openpgp.errors import OpenPgpError
from trust.pki.pem import read_pem
from trust.pki.secrets_scan import scan

NOW = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Door:
    """One reader of foreign bytes."""

    name: str
    open: Callable[[bytes], object]
    seeds: Callable[[], tuple[bytes, ...]]
    refusals: tuple[type[Exception], ...] = ()

    def knock(self, content: bytes) -> None:
        """Read the bytes. Raises only what is a bug."""
        try:
            self.open(content)
        except self.refusals:
            return


@cache
def _bundles() -> tuple[bytes, ...]:
    made = make.hierarchy()
    return (
        made.bundle,
        made.root.der,
        make.crl(made.root),
        zipped(guide_members(made)),
        tarred(guide_members(made)),
        tarred(guide_members(made), mode="w:gz"),
        b'{"keys": [{"use": "x509-svid", "kty": "EC", "x5c": ["AAAA"]}]}',
    )


def _signed() -> tuple[bytes, ...]:
    return (
        b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n- -----BEGIN\ntext\n-----BEGIN PGP SIGNATURE-----\n\nwsA=\n=abcd\n",
        b"-----BEGIN PGP SIGNATURE-----\n\nwsBzBAABCAAdFiEE\n=abcd\n-----END PGP SIGNATURE-----\n",
        b"\xc2\x05\x04\x00\x01\x08\x00",
        b"\x88\x5e\x04\x00\x16\x08\x00\x06\x05\x02",
        b"\xa3\x01",
    )


def _texts() -> tuple[bytes, ...]:
    return (
        b'{"message_id": "A-1", "timestamp": "2026-11-01T00:00:00Z", "details": {"a": [1, 2.5, null]}}',
        b'{"issuing-ca": "http://ocsp.alder.example/issuing", "x": ["https://[::1]/"]}',
        b'{"a": 1, "a": 2}',
    )


def _examined(content: bytes) -> None:
    """Besides not raising: what is refused says why, and what is taken has a certificate and says nothing that refuses."""
    seen = examine(content, now=NOW)
    if seen.refused:
        assert any(each.severity is Severity.REFUSE and each.sentence for each in seen.findings)
    else:
        assert len(seen.reading.certificates) > 0


def _pem(content: bytes) -> None:
    """No BEGIN line is lost: each is a block that was read, or a finding."""
    reading = read_pem(content)
    if not any(each.severity is Severity.REFUSE for each in reading.findings):
        assert len(reading.blocks) == sum(line.lstrip().startswith(b"-----BEGIN ") for line in content.splitlines())


DOORS = (
    Door("examine", _examined, _bundles),
    Door("scan", scan, _bundles),
    Door("pem", _pem, _bundles),
    Door("container", container_of, _bundles),
    Door("armor", armor.decode, _signed, (OpenPgpError,)),
    Door("clearsign", clearsign.read, _signed, (OpenPgpError,)),
    Door("inline", inline.read, _signed, (OpenPgpError,)),
    Door("packets", lambda content: packets.walk(content, at_most=8), _signed, (OpenPgpError,)),
    Door("signature", signature_packet.read, _signed, (OpenPgpError,)),
    Door("endpoints", lambda content: read_endpoints("endpoints.json", content), _texts),
    Door("json", strict_json.read_json, _texts, (strict_json.BadJson,)),
    Door("notice", notices.read_object, _texts, (notices.Unreadable,)),
)
