"""From a certificate or key to its line in the inventory."""

from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from django.urls import reverse

from portal import words
from portal.organizations.models import Organization
from trust.agreements import checks
from trust.certificates.models import Certificate
from trust.inventory.models import ServiceCertificate
from trust.inventory.rules import Kind, Row, State
from trust.keys import queries as keys
from trust.keys import rules as key_rules
from trust.keys.models import OpenPgpKey
from trust.notices.models import Notice
from trust.pki.certificates import read_certificate
from trust.revocations.models import SeenRevocation
from trust.submissions.models import SubmissionCertificate


def of_certificate(
    certificate: Certificate,
    *,
    places: Sequence[SubmissionCertificate],
    service: ServiceCertificate | None,
    trusted: bool,
    notice: Notice | None,
    seen: SeenRevocation | None,
    now: datetime,
) -> Row:
    """Return the line of a certificate from what was read about it. ``seen`` is what its CA's own list says."""
    facts = read_certificate(bytes(certificate.der))
    owner = service.organization if service else places[0].submission.owner if places else None
    shared = {service.partnership} if service and service.partnership else set()
    partnerships = {place.submission.partnership for place in places} | shared
    return Row(
        kind=Kind.SERVICE if service else Kind.CA,
        owner=owner.name if owner else "",
        partnerships=tuple(sorted(each.slug for each in partnerships)),
        common_name=facts.subject.common_name or str(facts.subject),
        subject=str(facts.subject),
        alternative_names=facts.alternative_names,
        issuer=str(facts.issuer),
        serial_number=certificate.serial,
        sha256=certificate.sha256,
        spki_sha256=certificate.spki_sha256,
        not_before=certificate.not_before,
        not_after=certificate.not_after,
        key_algorithm=str(facts.public_key),
        key_size=facts.public_key.size,
        signature_algorithm=certificate.signature_algorithm,
        extended_key_usage=facts.extended_key_usage,
        certificate_policies=_policies(facts.load()),
        crl_distribution_points=facts.crl_urls,
        ocsp_responders=facts.ocsp_urls,
        tier=checks.tier(facts),
        state=_state(certificate, trusted, notice or seen, now),
        service_name=service.service_name if service else "",
        environment=service.environment if service else "",
        team_owner=service.team if service else "",
        created_at=certificate.created_at,
        revoked_at=notice.executed_at if notice else seen.revoked_at if seen else None,
        revocation_reason=str(notice.members.get("revocation_reason", "")) if notice else seen.reason if seen else "",
        url=reverse("certificate", args=[certificate.sha256]),
    )


def _state(certificate: Certificate, trusted: bool, revoked: Notice | SeenRevocation | None, now: datetime) -> State:
    if revoked is not None:
        return State.REVOKED
    if certificate.not_after <= now:
        return State.EXPIRED
    return State.TRUSTED if trusted else State.PENDING


def _policies(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.CertificatePolicies).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    return tuple(each.policy_identifier.dotted_string for each in found)


def of_key(key: OpenPgpKey, *, viewer: Organization, now: datetime, around: keys.Around) -> Row:
    """Return the line of an OpenPGP key; its whole fingerprint only for those who may see it before a call."""
    known = keys.may_see_in_full(key, viewer, now, around)
    # In full means verified: by the viewer, or by every partner of the viewer's own.
    state = key_rules.shown_state(key.state, expires_at=key.expires_at, verified=known, now=now)
    return Row(
        kind=Kind.KEY,
        owner=key.organization.name,
        partnerships=(),
        common_name=f"OpenPGP key of {key.organization.name}",
        subject=", ".join(str(each) for each in key.user_ids),
        alternative_names=(),
        issuer="",
        serial_number="",
        sha256=key.fingerprint if known else words.concealed(key.fingerprint),
        spki_sha256="",
        not_before=key.key_created_at,
        not_after=key.expires_at,
        key_algorithm=key.algorithm,
        key_size=None,
        signature_algorithm="",
        extended_key_usage=(),
        certificate_policies=(),
        crl_distribution_points=(),
        ocsp_responders=(),
        tier="key",
        state=state,
        created_at=key.created_at,
        revoked_at=key.revoked_at,
        url=_page_of_key(key, viewer, around),
    )


def _page_of_key(key: OpenPgpKey, viewer: Organization, around: keys.Around) -> str:
    """Return where a key is shown: one's own has a page, a partner's is among those of the partnership."""
    if key.organization_id == viewer.pk:
        return reverse("key", args=[key.pk])
    shared = next((each for each in around.partnerships[key.organization_id] if each.has(viewer)), None)
    return f"{reverse('partnership_keys', args=[shared.slug])}#key-{key.pk}" if shared else ""
