"""Certificates that no service may accept although their CA is trusted: revoked by signed notices, as JSON for programs.

An entry names a certificate by its issuer *and* serial number, and by SHA-256 where the partner said it: serial numbers alone name
nothing.
"""

import json
from dataclasses import dataclass
from datetime import datetime

from trust.stores.formats.json_document import moment


@dataclass(frozen=True)
class Denied:
    """One certificate. ``serial`` and the digests are lower-case hex; ``certificate_sha256`` is empty where nobody said it."""

    issuer: str
    issuer_sha256: str
    issuer_spki_sha256: str
    authority_key_identifier: str
    serial: str
    certificate_sha256: str
    reason: str
    notice: str
    notice_sha256: str
    signer_fingerprint: str
    denied_at: datetime


@dataclass(frozen=True)
class DenyList:
    """All that is denied for one store, the oldest first. Entries are only ever added."""

    store: str
    owner: str
    entries: tuple[Denied, ...]


def document(content: DenyList) -> bytes:
    """Return the list as JSON; equal lists give equal bytes."""
    said = {
        "format": "trust-exchange-deny-list/1",
        "store": content.store,
        "owner": content.owner,
        "count": len(content.entries),
        "entries": [_member(each) for each in content.entries],
    }
    return (json.dumps(said, indent=1) + "\n").encode("ascii")


def _member(each: Denied) -> dict[str, object]:
    return {
        "issuer": each.issuer,
        "issuer_sha256": each.issuer_sha256,
        "issuer_spki_sha256": each.issuer_spki_sha256,
        "authority_key_identifier": each.authority_key_identifier or None,
        "serial": each.serial,
        "sha256": each.certificate_sha256 or None,
        "reason": each.reason,
        "denied_at": moment(each.denied_at),
        # The partner's own signed word: fetch it, and check its signature with the partner's pinned key.
        "notice": {"label": each.notice, "sha256": each.notice_sha256, "signer": each.signer_fingerprint},
    }


def read_back(artifact: bytes) -> list[tuple[str, str]]:
    """Return issuer (SHA-256) and serial number of each entry. Raises ValueError when the count is another."""
    said = json.loads(artifact)
    found = [(each["issuer_sha256"], each["serial"]) for each in said["entries"]]
    if said["count"] != len(found):
        raise ValueError("The list says another count than it has.")
    return found
