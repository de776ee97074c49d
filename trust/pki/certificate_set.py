"""The one ordered, de-duplicated set that all certificates of a submission or store pass through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from trust.pki.certificates import CertificateFacts


@dataclass(frozen=True, slots=True)
class CertificateSet:
    """Certificates without repeats, in an order that depends on nothing but their bytes.

    Anchors (self-signed CAs) come first, by hash; then every other certificate after its issuer, level by
    level, by hash within a level; certificates that lead to no anchor come last. Equal contents give equal
    sets, whatever the order and the repeats of the upload. Make one with `CertificateSet.of`.
    """

    certificates: tuple[CertificateFacts, ...] = ()

    @classmethod
    def of(cls, certificates: Iterable[CertificateFacts]) -> CertificateSet:
        """Put certificates in order and drop repeats of the same DER."""
        unique = {certificate.sha256: certificate for certificate in certificates}
        return cls(tuple(_in_order(sorted(unique.values(), key=lambda one: one.sha256))))

    @property
    def anchors(self) -> tuple[CertificateFacts, ...]:
        """The roots: CAs that signed themselves."""
        return tuple(one for one in self.certificates if one.is_root)

    @property
    def intermediates(self) -> tuple[CertificateFacts, ...]:
        """Everything that is not an anchor."""
        return tuple(one for one in self.certificates if not one.is_root)

    def find(self, sha256: str) -> CertificateFacts | None:
        """Return the certificate with this fingerprint (lower-case hex)."""
        return next((one for one in self.certificates if one.sha256 == sha256), None)

    def __iter__(self) -> Iterator[CertificateFacts]:
        return iter(self.certificates)

    def __len__(self) -> int:
        return len(self.certificates)


def _in_order(by_hash: list[CertificateFacts]) -> Iterator[CertificateFacts]:
    # Levels go by names alone, without signature checks: the order must be cheap and must not fail.
    left = [one for one in by_hash if not one.is_root]
    level = [one for one in by_hash if one.is_root]
    while level:
        yield from level
        names = {one.subject.der for one in level}
        level = [one for one in left if one.issuer.der in names]
        left = [one for one in left if one.issuer.der not in names]
    yield from left
