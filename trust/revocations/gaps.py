"""Notice against CRL: a revocation that the partner's signed notice tells and its CA's list does not, and the other way round.

A gap is opened once, told once to both sides, and closed when both say the same. Nothing is removed or restored because of it:
a list is no notice, and what a person removed comes back only by a version that two people publish.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from uuid import UUID

from cryptography import x509
from django.db import transaction

from portal import words
from portal.audit import services as audit
from portal.organizations import acting
from portal.partnerships.models import Partnership
from trust.agreements import checks
from trust.agreements import queries as agreements
from trust.certificates.models import Certificate
from trust.notices.document import hexadecimal, serial
from trust.notices.models import Notice
from trust.notices.rules import REVOCATIONS
from trust.notices.rules import State as NoticeState
from trust.pki.certificates import read_certificate
from trust.pki.crl import revoked_on
from trust.pki.signatures import is_signed_by
from trust.revocations import rules, seeing
from trust.revocations.models import Crl, RevocationGap, SeenRevocation
from trust.revocations.rules import GapKind

# Notices that still say that the certificate is revoked. A withdrawn one says nothing any more.
_SAYS = (NoticeState.ANNOUNCED, NoticeState.EXECUTED, NoticeState.ADOPTED, NoticeState.CLOSED)
_TOOK_EFFECT = (NoticeState.EXECUTED, NoticeState.ADOPTED, NoticeState.CLOSED)
# A service certificate that the portal does not hold is looked for this long: by then it has expired.
_LOOKED_FOR = timedelta(days=100)


@dataclass(frozen=True)
class _Gap:
    """A gap that is open now. ``key`` is what makes it the same gap at the next look."""

    partnership: Partnership
    owner_id: UUID
    kind: GapKind
    serial: str
    label: str
    since: datetime
    reason: str
    certificate: Certificate | None = None
    issuer: Certificate | None = None
    notice: Notice | None = None

    @property
    def key(self) -> tuple[object, str, str, str]:
        return (self.partnership.pk, self.kind.value, self.serial, self.label)


def review(*, now: datetime) -> int:
    """Open the gaps that are new, close those that are no more, and return how many moved. Running it again changes nothing."""
    found = {each.key: each for each in [*_without_notice(now), *_without_crl(now)]}
    rows = RevocationGap.objects.filter(closed_at=None).select_related(
        "partnership", "certificate", "notice__certificate", "notice__issuing_ca"
    )
    open_now = {(row.partnership_id, row.kind, row.serial, row.label): row for row in rows}
    moved = 0
    for key, gap in found.items():
        if key not in open_now:
            moved += _open(gap, now)
    for key, row in open_now.items():
        if key not in found and not _cannot_tell(row, now):
            moved += _close(row, now)
    return moved


def _without_notice(now: datetime) -> Iterator[_Gap]:
    seen = SeenRevocation.objects.filter(gone_at=None, certificate__not_after__gt=now).select_related("certificate")
    said: dict[tuple[object, object], list[Notice]] = {}
    for each in seen:
        for partnership in seeing.concerned(each.certificate):
            key = (partnership.pk, each.owner_id)
            if key not in said:
                said[key] = _revoking(partnership, each.owner_id)
            if not any(_names(notice, each.certificate) for notice in said[key]):
                yield _Gap(
                    partnership=partnership,
                    owner_id=each.owner_id,
                    kind=GapKind.NOTICE_MISSING,
                    serial=each.certificate.serial,
                    label=seeing.label_of(each.certificate),
                    since=each.revoked_at,
                    reason=each.reason,
                    certificate=each.certificate,
                )


def _revoking(partnership: Partnership, sender_id: UUID) -> list[Notice]:
    found = Notice.objects.filter(
        partnership=partnership, sender_id=sender_id, kind__in=REVOCATIONS, rehearsal=False, state__in=_SAYS
    )
    return list(found.select_related("issuing_ca").defer("content", "payload", "signature"))


def _names(notice: Notice, certificate: Certificate) -> bool:
    """Say whether a notice is about a certificate: by digest, or by serial number together with its issuer."""
    if notice.certificate_id == certificate.sha256:
        return True
    said = notice.says
    if hexadecimal(said.get("certificate_sha256", "")) == certificate.sha256:
        return True
    same_issuer = notice.issuing_ca is not None and notice.issuing_ca.subject == certificate.issuer
    return same_issuer and serial(said.get("certificate_serial", "")) == certificate.serial


def _without_crl(now: datetime) -> Iterator[_Gap]:
    """Yield what executed notices say and a fresh list of the issuer does not, once the list owes it.

    Where no list of the issuer is at hand nothing can be said; that its address gives none is told of the address.
    """
    notices = Notice.objects.filter(kind__in=REVOCATIONS, rehearsal=False, state__in=_TOOK_EFFECT)
    for notice in notices.select_related("partnership", "certificate", "issuing_ca").defer(
        "content", "payload", "signature"
    ):
        subject = _subject(notice, now)
        if subject is None:
            continue
        crl, number, label = subject
        terms = agreements.terms(notice.partnership)
        agreed = terms.crl_longest.get(checks.tier(read_certificate(bytes(crl.issuer.der))), rules.CRL_LAG)
        owed = rules.crl_is_owed(effective_at=notice.effective_at, crl_of=crl.this_update, agreed=agreed, now=now)
        if owed and not _is_named(crl.sha256, number):
            yield _Gap(
                partnership=notice.partnership,
                owner_id=notice.sender_id,
                kind=GapKind.CRL_MISSING,
                serial=number,
                label=label,
                since=notice.effective_at,
                reason=notice.says.get("revocation_reason", ""),
                certificate=notice.certificate,
                issuer=crl.issuer,
                notice=notice,
            )


def _subject(notice: Notice, now: datetime) -> tuple[Crl, str, str] | None:
    """Return the newest list that must name what a notice revoked, its serial number, and what it is called."""
    if notice.certificate is not None:
        if notice.certificate.not_after <= now:
            return None
        facts = read_certificate(bytes(notice.certificate.der))
        crl = _list_of(str(facts.issuer), notice.sender_id, now)
        if crl is None or not is_signed_by(facts.load(), read_certificate(bytes(crl.issuer.der)).load()):
            return None
        return crl, notice.certificate.serial, seeing.label_of(notice.certificate)
    if notice.issuing_ca is None or notice.effective_at < now - _LOOKED_FOR:
        return None
    number = serial(notice.says.get("certificate_serial", ""))
    crl = _list_of(notice.issuing_ca.subject, notice.sender_id, now)
    if crl is None or not number or crl.issuer_spki_sha256 != notice.issuing_ca.spki_sha256:
        return None
    return crl, number, f"serial {number} of {seeing.label_of(notice.issuing_ca)}"[:200]


def _list_of(issuer: str, owner_id: UUID, now: datetime) -> Crl | None:
    held = Crl.objects.filter(issuer__subject=issuer, sources__owner_id=owner_id, next_update__gt=now)
    return held.select_related("issuer").defer("der").order_by("-this_update").first()


@lru_cache(maxsize=10_000)
def _is_named(crl_sha256: str, number: str) -> bool:
    """Say whether a list names a serial number. A list never changes, so the answer does not; looking through a long one costs."""
    der = Crl.objects.values_list("der", flat=True).get(pk=crl_sha256)
    return revoked_on(x509.load_der_x509_crl(bytes(der)), number) is not None


def _facts(row: RevocationGap) -> dict[str, object]:
    return {
        "label": row.label,
        "since": words.exact(row.since),
        "reason": row.reason,
        "serial": row.serial,
        "sha256": row.certificate_id or "",
        "notice": row.notice.label if row.notice else "",
    }


@transaction.atomic
def _open(gap: _Gap, now: datetime) -> bool:
    row, made = RevocationGap.objects.get_or_create(
        partnership=gap.partnership,
        kind=gap.kind,
        serial=gap.serial,
        label=gap.label,
        closed_at=None,
        defaults={
            "owner_id": gap.owner_id,
            "since": gap.since,
            "reason": gap.reason,
            "certificate": gap.certificate,
            "issuer": gap.issuer,
            "notice": gap.notice,
            "opened_at": now,
        },
    )
    if made:
        _record(f"revocation.{gap.kind}", row, now)
    return made


@transaction.atomic
def _close(row: RevocationGap, now: datetime) -> bool:
    outcome = _outcome(row, now)
    changed = RevocationGap.objects.filter(pk=row.pk, closed_at=None).update(closed_at=now, outcome=outcome)
    if changed:
        _record("revocation.settled", row, now, outcome=outcome)
    return bool(changed)


def _cannot_tell(row: RevocationGap, now: datetime) -> bool:
    """Say whether a gap stays open since no list is at hand that could close it: silence is no agreement."""
    if row.kind != GapKind.CRL_MISSING or row.notice is None or row.notice.state not in _TOOK_EFFECT:
        return False
    over = row.certificate.not_after <= now if row.certificate else row.since < now - _LOOKED_FOR
    return not over and _subject(row.notice, now) is None


def _outcome(row: RevocationGap, now: datetime) -> str:
    if row.certificate is not None and row.certificate.not_after <= now:
        return "the certificate has expired"
    if row.kind == GapKind.NOTICE_MISSING:
        seen = SeenRevocation.objects.filter(certificate_id=row.certificate_id, gone_at=None).exists()
        return "the notice has come" if seen else "the list does not name it any more"
    still = row.notice is not None and row.notice.state in _TOOK_EFFECT
    return "the list names it now" if still else "the notice counts no more"


def _record(kind: str, row: RevocationGap, now: datetime, **data: object) -> None:
    audit.record(
        kind,
        now=now,
        actor=acting.PORTAL,
        organization_id=row.owner_id,
        partnership_id=row.partnership_id,
        subject=("revocation_gap", row.pk),
        data=_facts(row) | data,
    )
