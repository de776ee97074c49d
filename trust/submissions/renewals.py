"""Anchors that were renewed: the same CA with its name and key, in a certificate with new dates.

The call proved the key. A certificate that carries the same key and name, and allows nothing more, is the same CA; under the
agreement (clause 1.4) it needs no call of its own. Everything else about it is as for any anchor: a signature by a verified key of
its owner, and two people of the relying organization.
"""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from portal import words
from portal.organizations.models import Organization
from trust.agreements.terms import Terms
from trust.certificates.models import Certificate
from trust.pki.certificates import CertificateFacts, read_certificate
from trust.pki.diff import widens
from trust.verifications import queries as verifications
from trust.verifications.models import ItemKind, Verification, VerificationRequest


@dataclass(frozen=True)
class Trusted:
    """An anchor in a current version of a store: its certificate, and the id of the call that it stands on.

    ``revoked_by`` names the notice because of which a certificate with this key was taken out of the store, if there was one.
    """

    certificate: Certificate
    call_id: uuid.UUID
    revoked_by: str = ""


Source = Callable[[Organization, Organization, set[str]], list[Trusted]]
_anchors_in_stores: Source = lambda relying, owner, keys: []  # noqa: E731


def anchors_in_stores_from(source: Source) -> None:
    """Let ``source`` say which anchors with these keys (SHA-256 of the public key) a relying organization trusts of an owner now.

    Stores stand above submissions.
    """
    global _anchors_in_stores
    _anchors_in_stores = source


@dataclass(frozen=True)
class Renewal:
    """An offered anchor whose key and name the relying organization trusts already.

    ``trusted`` is in the store now, ``call`` is the one in which its key was heard. ``because`` says why this one needs a call all
    the same; empty when it needs none.
    """

    offered: Certificate
    trusted: Certificate
    call: Verification
    because: str = ""

    @property
    def sentence(self) -> str:
        """Say in one sentence why there is no call, or why there is one."""
        if self.because:
            return f"It has the key of a root that is trusted, and needs a call all the same: {self.because}."
        heard = self.call.request.fingerprint
        same = "the root" if heard == self.trusted.sha256 else "an earlier certificate of the root"
        moment = f" on {words.exact(self.call.ended_at)}" if self.call.ended_at else ""
        return (
            f"No call is needed: it has the name and key of {same} that {self.call.verifier} verified by phone{moment}, "
            "and allows nothing more."
        )


def among(
    offered: Iterable[Certificate], *, relying: Organization, owner: Organization, terms: Terms, now: datetime
) -> dict[str, Renewal]:
    """Return the renewals among offered anchors, by fingerprint, those that need a call included.

    An anchor whose own fingerprint was quarantined is never one: what was heard about it counts for more.
    """
    anchors = {one.sha256: one for one in offered}
    trusted = _anchors_in_stores(relying, owner, {one.spki_sha256 for one in anchors.values()})
    found: dict[str, Renewal] = {}
    for one in anchors.values():
        judged = [_judge(one, each, relying, terms, now) for each in trusted if _is_renewal(each.certificate, one)]
        known = [each for each in judged if each is not None]
        if known and not _is_quarantined(relying, one):
            found[one.sha256] = min(known, key=lambda each: bool(each.because))
    return found


def _is_renewal(trusted: Certificate, offered: Certificate) -> bool:
    # Names are compared by their bytes: two that look alike can be written differently.
    return (
        trusted.sha256 != offered.sha256
        and trusted.spki_sha256 == offered.spki_sha256
        and trusted.not_before <= offered.not_before
        and trusted.self_signed
        and offered.self_signed
        and _read(trusted).subject.der == _read(offered).subject.der
    )


def _read(certificate: Certificate) -> CertificateFacts:
    return read_certificate(bytes(certificate.der))


def _is_quarantined(relying: Organization, offered: Certificate) -> bool:
    request = verifications.request_for(relying, ItemKind.CERTIFICATE, offered.sha256)
    return request is not None and request.state == VerificationRequest.State.QUARANTINED


def _judge(
    offered: Certificate, trusted: Trusted, relying: Organization, terms: Terms, now: datetime
) -> Renewal | None:
    """Return the renewal with the call that still counts, or with one that does not and why; None without any call."""
    said = Verification.objects.filter(pk=trusted.call_id, request__relying=relying).select_related("request").first()
    heard = [trusted.certificate.sha256] + ([said.request.fingerprint] if said else [])
    calls = [verifications.approved_record(relying, ItemKind.CERTIFICATE, each) for each in dict.fromkeys(heard)]
    limit = terms.verification_max_age_days
    standing = [call for call in calls if call and verifications.counts(call.request, now, max_age_days=limit)]
    if not standing and said is None:
        return None
    call = standing[0] if standing else said
    assert call is not None
    reason = _why_a_call(offered, trusted, call, terms) if standing else _NO_LONGER
    return Renewal(offered, trusted.certificate, call, reason)


_NO_LONGER = "the verification of its key does not stand any more, or is older than the agreement allows"


def _why_a_call(offered: Certificate, trusted: Trusted, call: Verification, terms: Terms) -> str:
    if terms.renewed_roots_need_a_call:
        return f"{terms.citation('1.4')} says that renewed roots are verified by phone"
    if trusted.revoked_by:
        return f"a certificate with its key was withdrawn because of {trusted.revoked_by}"
    heard = Certificate.objects.filter(pk=call.request.fingerprint).first()
    if heard is None:
        return "the certificate that was verified is not kept here"
    wider = [reason for one in (heard, trusted.certificate) for reason in widens(_read(one), _read(offered))]
    return "; ".join(dict.fromkeys(wider))
