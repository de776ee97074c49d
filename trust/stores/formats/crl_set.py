"""The current CRLs of a store's CAs: a PEM file for ``ssl_crl`` and ``-CRLfile``, and a statement for programs of what it holds.

A reader that checks the whole chain (nginx, Envoy, ``openssl verify -crl_check_all``) rejects every certificate below a CA whose
CRL is missing or over. So the set says in its first lines, and in the statement, which CA has none.
"""

import json
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import crl as asn1_crl
from asn1crypto import pem as asn1_pem

from trust.stores.formats.content import StoreCertificate
from trust.stores.formats.json_document import moment
from trust.stores.formats.pem import lines_of

BEGIN, END = "-----BEGIN X509 CRL-----", "-----END X509 CRL-----"


@dataclass(frozen=True)
class CurrentCrl:
    """A CRL that was verified against its CA. ``number`` is decimal, or empty; ``sha256`` lower-case hex over ``der``."""

    der: bytes
    sha256: str
    number: str
    this_update: datetime
    next_update: datetime
    entries: int
    url: str


@dataclass(frozen=True)
class CrlOfCa:
    """A CA of the store with its current CRL, or why there is none."""

    ca: StoreCertificate
    crl: CurrentCrl | None
    reason: str = ""


@dataclass(frozen=True)
class CrlSet:
    """The CRLs that belong to one version of a store, in the order of its certificates."""

    store: str
    version: int
    cas: tuple[CrlOfCa, ...]

    @property
    def complete(self) -> bool:
        """Say whether every CA of the store has a current CRL."""
        return all(each.crl for each in self.cas)

    @property
    def missing(self) -> tuple[CrlOfCa, ...]:
        """Return the CAs that have none."""
        return tuple(each for each in self.cas if each.crl is None)

    @property
    def good_until(self) -> datetime | None:
        """Return when the first CRL of the set ends."""
        return min((each.crl.next_update for each in self.cas if each.crl), default=None)

    @property
    def crls(self) -> tuple[CurrentCrl, ...]:
        """Return each CRL once: CAs with one name and key (a renewal, a cross-certificate) share theirs."""
        return tuple({each.crl.sha256: each.crl for each in self.cas if each.crl}.values())


def pem(content: CrlSet) -> bytes:
    """Return the CRLs as PEM blocks (RFC 7468 6) below lines that say what they are; equal sets give equal bytes."""
    head = [f"# CRLs for trust store {content.store} v{content.version}"]
    head.append(f"# complete: {'yes' if content.complete else 'no'}")
    head += [f"# missing: {each.ca.sha256} {_plain(each.ca.subject)}" for each in content.missing]
    if not content.complete:
        head.append("# A server that checks the whole chain rejects every client below a CA that is missing here.")
    return ("\n".join(head) + "\n" + "".join(_block(each.der) for each in content.crls)).encode("ascii")


def statement(content: CrlSet) -> bytes:
    """Return what the set holds, as JSON for programs; equal sets give equal bytes."""
    said = {
        "store": content.store,
        "version": content.version,
        "complete": content.complete,
        "missing": [each.ca.sha256 for each in content.missing],
        "good_until": moment(content.good_until) if content.good_until else None,
        "cas": [_member(each) for each in content.cas],
    }
    return (json.dumps(said, indent=1) + "\n").encode("ascii")


def _member(each: CrlOfCa) -> dict[str, object]:
    crl = each.crl
    about: dict[str, object] = {"sha256": each.ca.sha256, "subject": each.ca.subject, "role": each.ca.role}
    if crl is None:
        return about | {"crl": None, "reason": each.reason}
    return about | {
        "crl": {
            "sha256": crl.sha256,
            "number": crl.number or None,
            "this_update": moment(crl.this_update),
            "next_update": moment(crl.next_update),
            "revoked": crl.entries,
            "url": crl.url,
        }
    }


def read_back(artifact: bytes) -> list[bytes]:
    """Return the DER of each CRL, as another reader sees them. Raises ValueError for anything else in the file."""
    if b"-----BEGIN" not in artifact:
        return []
    found = []
    for label, _, der in asn1_pem.unarmor(artifact, multiple=True):
        if label != "X509 CRL":
            raise ValueError("There is something other than CRLs in the file.")
        asn1_crl.CertificateList.load(der, strict=True)["tbs_cert_list"]["this_update"].native  # noqa: B018 - reads it
        found.append(der)
    return found


def _block(der: bytes) -> str:
    return "\n".join([BEGIN, *lines_of(der), END, ""])


def _plain(text: str) -> str:
    """Return a name on one line, in ASCII, without what could be taken for the begin of a block."""
    return text.encode("ascii", "backslashreplace").decode("ascii").replace("-----", "- - -").replace("\n", " ")[:200]
