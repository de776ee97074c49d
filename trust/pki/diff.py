"""What changes in meaning between two sets of certificates: not which bytes differ, but what that does to trust.

A CA keeps its name over renewals and its key over re-signings, so certificates are paired by the key first and by the
name second. What has no pair was added or removed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from trust.pki.certificate_set import CertificateSet
from trust.pki.certificates import CertificateFacts


class Change(Enum):
    """What happened to a CA."""

    ADDED = "added"
    REMOVED = "removed"
    RENEWED = "renewed with the same key"
    REKEYED = "re-keyed"
    CROSS_SIGNED = "cross-signed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Difference:
    """One CA before and after. `details` says in words what else moved: expiry, constraints, path length, key use.

    `adds_trust` tells whether something is trusted afterwards that was not before; such a change takes two people.
    """

    change: Change
    before: CertificateFacts | None
    after: CertificateFacts | None
    details: tuple[str, ...] = ()

    @property
    def adds_trust(self) -> bool:
        return self.change not in (Change.REMOVED, Change.UNCHANGED)

    @property
    def subject(self) -> str:
        """The name to show, escaped."""
        one = self.after or self.before
        return one.subject.common_name or str(one.subject) if one else ""


def compare(before: CertificateSet, after: CertificateSet) -> tuple[Difference, ...]:
    """Return every CA of either set once, what is new first, then what goes, then what stays."""
    gone = [one for one in before if one not in set(after)]
    new = [one for one in after if one not in set(before)]
    kept = [Difference(Change.UNCHANGED, one, one) for one in after if one in set(before)]
    found: list[Difference] = []
    paired: set[str] = set()
    for one in new:
        old = _pair(one, [each for each in gone if each.sha256 not in paired])
        if old is not None:
            paired.add(old.sha256)
            change = Change.RENEWED if old.spki_sha256 == one.spki_sha256 else Change.REKEYED
            found.append(Difference(change, old, one, details(old, one)))
        elif twin := _twin(one, [*before, *(each for each in new if each is not one)]):
            found.append(Difference(Change.CROSS_SIGNED, None, one, (f"also issued by {twin.issuer}",)))
        else:
            found.append(Difference(Change.ADDED, None, one))
    removed = [Difference(Change.REMOVED, one, None) for one in gone if one.sha256 not in paired]
    return (*found, *removed, *kept)


def _pair(new: CertificateFacts, gone: list[CertificateFacts]) -> CertificateFacts | None:
    """The certificate that `new` takes the place of: same name and key, else same name and issuer, else same name."""
    same_name = [one for one in gone if one.subject.der == new.subject.der]
    tests = (
        lambda one: one.spki_sha256 == new.spki_sha256 and one.issuer.der == new.issuer.der,
        lambda one: one.issuer.der == new.issuer.der or (one.is_root and new.is_root),
    )
    return next((one for test in tests for one in same_name if test(one)), None)


def _twin(new: CertificateFacts, others: Iterable[CertificateFacts]) -> CertificateFacts | None:
    """The same CA (name and key) certified by another issuer (RFC 4158 2.4)."""
    return next(
        (
            one
            for one in others
            if (one.subject.der, one.spki_sha256) == (new.subject.der, new.spki_sha256)
            and one.issuer.der != new.issuer.der
        ),
        None,
    )


def details(before: CertificateFacts, after: CertificateFacts) -> tuple[str, ...]:
    """Say what moved between two certificates of one CA."""
    said = []
    if before.not_after != after.not_after:
        word = "later" if after.not_after > before.not_after else "earlier"
        said.append(f"expiry moved from {before.not_after:%Y-%m-%d} to {after.not_after:%Y-%m-%d} ({word})")
    rows = (
        ("path length", _path_length(before), _path_length(after)),
        ("key", str(before.public_key), str(after.public_key)),
        ("signature", before.signature_algorithm, after.signature_algorithm),
        ("issuer", str(before.issuer), str(after.issuer)),
        ("allowed names", _names(before.permitted_names), _names(after.permitted_names)),
        ("forbidden names", _names(before.excluded_names), _names(after.excluded_names)),
        ("purposes", _names(before.extended_key_usage), _names(after.extended_key_usage)),
        ("key usage", _names(sorted(before.key_usage or ())), _names(sorted(after.key_usage or ()))),
        ("CRL addresses", _names(before.crl_urls), _names(after.crl_urls)),
        ("OCSP addresses", _names(before.ocsp_urls), _names(after.ocsp_urls)),
    )
    said += [f"{label} changed from {old} to {new}" for label, old, new in rows if old != new]
    return tuple(said)


def _path_length(one: CertificateFacts) -> str:
    return "unlimited" if one.path_length is None else str(one.path_length)


def _names(values: Iterable[str]) -> str:
    return ", ".join(values).replace("_", " ") or "none"


def widens(before: CertificateFacts, after: CertificateFacts) -> tuple[str, ...]:
    """Say what a renewed CA may do that the one before could not: longer paths, other names, other purposes.

    Later dates do not count: they are what a renewal is for. Empty when nothing is wider.
    """
    longer = before.path_length is not None and (after.path_length is None or after.path_length > before.path_length)
    # Dropping every name of one kind frees that kind, so a list that is shorter is wider too (RFC 5280 4.2.1.10).
    names = bool(before.permitted_names) and set(after.permitted_names) != set(before.permitted_names)
    forbidden = set(before.excluded_names) - set(after.excluded_names)
    purposes = bool(before.extended_key_usage) and (
        not after.extended_key_usage or set(after.extended_key_usage) - set(before.extended_key_usage)
    )
    rows = (
        (longer, f"the path length grew from {_path_length(before)} to {_path_length(after)}"),
        (
            names,
            f"the allowed names changed from {_names(before.permitted_names)} to {_names(after.permitted_names)}",
        ),
        (forbidden, f"these names are no longer forbidden: {_names(sorted(forbidden))}"),
        (
            purposes,
            f"the purposes changed from {_names(before.extended_key_usage)} to {_names(after.extended_key_usage)}",
        ),
    )
    return tuple(words for wider, words in rows if wider)
