"""What every format is made from: one version of a store as a plain value."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True)
class StoreCertificate:
    """A certificate of a version. Digests and fingerprints are lower-case hex; ``der`` is the certificate itself.

    The last five say where the right to be in the store comes from; ``verification_id`` is empty for an intermediate.
    """

    der: bytes
    sha256: str
    spki_sha256: str
    subject: str
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime
    role: str
    submission_number: int
    submission_sha256: str
    signer_fingerprint: str
    verification_id: str | None

    @property
    def is_anchor(self) -> bool:
        """Say whether trust starts here."""
        return self.role == "anchor"

    @property
    def alias(self) -> str:
        """Return a name that is unique in any store: Java compares names without regard to case, and subjects repeat."""
        return f"sha256-{self.sha256[:32]}"


@dataclass(frozen=True)
class StoreContent:
    """One numbered version. ``certificates`` are ordered: equal contents come in equal order.

    ``trust_domain`` is the SPIFFE trust domain for which the store stands, or empty. ``constraints`` are the names that services
    below these CAs may have as the agreement says, for whoever checks more than a chain; None where it says nothing.
    """

    name: str
    owner: str
    relying: str
    purpose: str
    environment: str
    number: int
    published_at: datetime
    withdrawn: bool
    certificates: tuple[StoreCertificate, ...]
    trust_domain: str = ""
    constraints: Mapping[str, Any] | None = None

    @property
    def anchors(self) -> tuple[StoreCertificate, ...]:
        """Return the certificates at which trust starts."""
        return tuple(each for each in self.certificates if each.is_anchor)

    @property
    def set_sha256(self) -> str:
        """Return the digest of the set: SHA-256 over the certificates' digests in order, whatever the format."""
        return hashlib.sha256("\n".join(each.sha256 for each in self.certificates).encode("ascii")).hexdigest()


@dataclass(frozen=True)
class AnchorsAsJson:
    """What formats share that say the anchors alone, in JSON that also says which version it is."""

    content_type: str = "application/json"
    anchors_only: bool = True
    loses: tuple[str, ...] = ("constraints", "intermediates", "provenance", "purpose")


class DoesNotFit(ValueError):
    """A version that this format has no way to say. It is left out of that version, and the others are made."""


class Format(Protocol):
    """One way to write a store down.

    ``extension`` stands in the address after ``current.``. ``anchors_only`` is set where every entry would be taken for a trust
    anchor, whatever it is. ``loses`` names what the format cannot carry, for programs: "constraints", "intermediates", "order",
    "provenance", "purpose", "role", "version", "withdrawal". ``read`` gives back the DER of every certificate in what ``encode``
    made, by other code than made it; raises ValueError.
    """

    @property
    def extension(self) -> str: ...

    @property
    def content_type(self) -> str: ...

    @property
    def label(self) -> str: ...

    @property
    def anchors_only(self) -> bool: ...

    @property
    def loses(self) -> tuple[str, ...]: ...

    def encode(self, content: StoreContent) -> bytes: ...

    def read(self, artifact: bytes) -> list[bytes]: ...
