"""Rules about certificates taken together: chains, renewals, names and keys used twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator

from trust.pki.about import about
from trust.pki.certificate_set import CertificateSet
from trust.pki.certificates import CertificateFacts
from trust.pki.chains import Chains, signature_budget
from trust.pki.codes import finding
from trust.pki.findings import Finding

_SHOWN = 5


def check_chains(certificates: CertificateSet, chains: Chains) -> Iterator[Finding]:
    """Yield what is wrong between issuers and issued."""
    by_sha256 = {one.sha256: one for one in certificates}
    if chains.budget_exhausted:
        yield finding("chain_budget", limit=signature_budget(len(certificates)))
    if certificates and not certificates.anchors:
        yield finding("no_root")
    for one in certificates:
        if not one.is_root:
            yield from _check_path(one, chains)
        for issuer in chains.issuers[one.sha256]:
            yield from _check_pair(one, by_sha256[issuer])
    for circle in chains.circles:
        members = [str(one.subject) for one in certificates if one.sha256 in circle]
        yield finding("chain_loop", subjects=_list(members))


def _check_path(one: CertificateFacts, chains: Chains) -> Iterator[Finding]:
    if not chains.issuers[one.sha256] and chains.named_issuers[one.sha256]:
        yield about(one, "signature_does_not_verify", issuer=one.issuer)
    elif one.sha256 not in chains.reaches_root:
        yield about(one, "chain_incomplete", issuer=one.issuer)
    elif one.sha256 not in chains.within_path_length:
        yield about(one, "path_length_exceeded")


def _check_pair(one: CertificateFacts, issuer: CertificateFacts) -> Iterator[Finding]:
    if not issuer.is_ca:
        yield about(one, "issuer_may_not_sign", issuer=issuer.subject)
    if one.not_after > issuer.not_after:
        yield about(one, "outlives_issuer", issuer=issuer.subject)
    if one.not_before < issuer.not_before:
        yield about(one, "starts_before_issuer", issuer=issuer.subject)
    named, carried = one.authority_key_identifier, issuer.subject_key_identifier
    if named and carried and named != carried:
        yield about(one, "key_identifier_mismatch", issuer=issuer.subject)


def check_repeats(certificates: CertificateSet) -> Iterator[Finding]:
    """Yield names, keys and serial numbers that occur more than once, which is often meant and sometimes an
    attack.
    """
    for group in _groups(certificates, lambda one: (one.subject.der, one.spki_sha256)):
        yield _about_same_ca(group)
    for group in _groups(certificates, lambda one: one.subject.der):
        if (keys := len({one.spki_sha256 for one in group})) > 1:
            yield finding("subject_reused", subject=group[0].subject, count=keys, detail=_fingerprints(group))
    for group in _groups(certificates, lambda one: one.spki_sha256):
        names = list(dict.fromkeys(str(one.subject) for one in group))
        if len({one.subject.der for one in group}) > 1:
            yield finding("key_reused", count=len(group), subjects=_list(names), detail=_fingerprints(group))
    for group in _groups(certificates, lambda one: (one.issuer.der, one.serial)):
        yield finding(
            "serial_reused",
            issuer=group[0].issuer,
            serial=group[0].serial,
            count=len(group),
            detail=_fingerprints(group),
        )


def _about_same_ca(group: list[CertificateFacts]) -> Finding:
    """One name with one key: the same CA, certified by several issuers or renewed by one."""
    subject, detail = group[0].subject, _fingerprints(group)
    issuers = len({one.issuer.der for one in group})
    if issuers > 1:
        return finding("cross_signed", subject=subject, count=issuers, detail=detail)
    return finding("renewed_same_key", subject=subject, count=len(group), detail=detail)


def _groups(
    certificates: CertificateSet, key: Callable[[CertificateFacts], Hashable]
) -> Iterator[list[CertificateFacts]]:
    groups: dict[Hashable, list[CertificateFacts]] = defaultdict(list)
    for one in certificates:
        groups[key(one)].append(one)
    return (group for group in groups.values() if len(group) > 1)


def _fingerprints(group: list[CertificateFacts]) -> str:
    return _list([one.sha256 for one in group])


def _list(words: list[str]) -> str:
    more = len(words) - _SHOWN
    return ", ".join(words[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
