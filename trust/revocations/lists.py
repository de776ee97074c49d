"""What a store has beside its versions: the current CRLs of its CAs, and the deny list.

Both change without a new version, so they are made when their sources change and kept with their digest (decision 14). Whoever asks
gets the stored bytes, or the same bytes made on the spot while the background has not come round.
"""

import hashlib
import logging
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from portal import errors
from trust.certificates.models import Certificate
from trust.notices.models import DenyEntry
from trust.revocations.models import Crl, RevocationSource, StoreList
from trust.revocations.rules import ListKind
from trust.stores import publishing
from trust.stores.formats import crl_set, deny_list
from trust.stores.formats.content import StoreCertificate
from trust.stores.formats.crl_set import CrlOfCa, CrlSet, CurrentCrl
from trust.stores.formats.deny_list import Denied, DenyList
from trust.stores.models import StoreVersion, TrustStore

logger = logging.getLogger(__name__)
CONTENT_TYPES = {
    ListKind.CRL_SET: "application/x-pem-file",
    ListKind.CRL_STATEMENT: "application/json",
    ListKind.DENY_LIST: "application/json",
}
BATCH = 200


@dataclass(frozen=True)
class Made:
    """The bytes of one list. ``sha256`` is lower-case hex; ``complete`` says that no CA lacks its CRL."""

    kind: ListKind
    content: bytes
    sha256: str
    version_number: int
    complete: bool
    good_until: datetime | None


def of(store: TrustStore, kind: ListKind, now: datetime) -> Made | None:
    """Return a list of a store as it is at ``now``, or None before the store has a version."""
    if not store.current_number:
        return None
    kept = StoreList.objects.filter(store=store, kind=kind).first()
    if kept is not None and _holds(kept, store, now):
        content = bytes(kept.content)
        if hashlib.sha256(content).hexdigest() == kept.sha256:
            return Made(kind, content, kept.sha256, kept.version_number, kept.complete, kept.good_until)
    return next(each for each in make(store, now) if each.kind is kind)


def make(store: TrustStore, now: datetime) -> list[Made]:
    """Return the lists of a store that has a version, each read back. Raises Unavailable when one does not say what was meant."""
    version = publishing.current_version(store)
    assert version is not None
    crls, denied = crl_set_of(version, now), deny_list_of(store)
    pem = crl_set.pem(crls)
    if crl_set.read_back(pem) != [each.der for each in crls.crls]:
        raise _unreadable(store, "CRL set")
    document = deny_list.document(denied)
    if deny_list.read_back(document) != [(each.issuer_sha256, each.serial) for each in denied.entries]:
        raise _unreadable(store, "deny list")
    number, until = version.number, crls.good_until
    return [
        _made(ListKind.CRL_SET, pem, number, crls.complete, until),
        _made(ListKind.CRL_STATEMENT, crl_set.statement(crls), number, crls.complete, until),
        _made(ListKind.DENY_LIST, document, number, True, None),
    ]


def _unreadable(store: TrustStore, what: str) -> errors.Unavailable:
    return errors.Unavailable(
        f"The {what} of {store.name} does not read back as what was meant, so it is not served.",
        code="list_unreadable",
        fix="Keep the one you have, and tell the portal's operator.",
    )


def refresh(*, now: datetime) -> int:
    """Make the lists anew whose sources changed since, and return how many stores had any. Running it again changes nothing."""
    changed = 0
    for store in _outdated(now):
        try:
            changed += _refresh(store, now)
        except errors.Unavailable:
            # The others must not wait for it; it is tried again at the next run.
            logger.exception("A list of %s could not be made", store.name)
    return changed


def _outdated(now: datetime) -> list[TrustStore]:
    """Return stores of which a list is missing, of another version, over, or older than a CRL or denial that belongs to it."""
    lists = StoreList.objects.filter(store=OuterRef("pk"))
    current = lists.filter(version_number=OuterRef("current_number"))
    newer_crl = RevocationSource.objects.filter(owner=OuterRef("owner"), crl__seen_at__gte=OuterRef("lists__made_at"))
    newer_denial = DenyEntry.objects.filter(store=OuterRef("pk"), denied_at__gte=OuterRef("lists__made_at"))
    found = TrustStore.objects.filter(current_number__gt=0).filter(
        ~Exists(current) | Exists(lists.filter(good_until__lte=now)) | Exists(newer_crl) | Exists(newer_denial)
    )
    return list(found.distinct().order_by("name")[:BATCH])


@transaction.atomic
def _refresh(store: TrustStore, now: datetime) -> bool:
    locked = publishing.lock(store)
    changed = False
    for made in make(locked, now):
        kept = StoreList.objects.filter(store=locked, kind=made.kind).first()
        if kept is None:
            kept = StoreList(store=locked, kind=made.kind, number=0)
        if kept.sha256 != made.sha256:
            kept.number, kept.content, kept.sha256 = kept.number + 1, made.content, made.sha256
            changed = True
        kept.version_number, kept.complete = made.version_number, made.complete
        kept.good_until, kept.made_at = made.good_until, now
        kept.save()
    return changed


def _holds(kept: StoreList, store: TrustStore, now: datetime) -> bool:
    """Say whether a stored list is still what would be made now."""
    if kept.version_number != store.current_number or (kept.good_until is not None and kept.good_until <= now):
        return False
    if kept.kind == ListKind.DENY_LIST:
        return not DenyEntry.objects.filter(store=store, denied_at__gte=kept.made_at).exists()
    return not RevocationSource.objects.filter(owner=store.owner_id, crl__seen_at__gte=kept.made_at).exists()


def _made(kind: ListKind, content: bytes, number: int, complete: bool, until: datetime | None) -> Made:
    return Made(kind, content, hashlib.sha256(content).hexdigest(), number, complete, until)


def crl_set_of(version: StoreVersion, now: datetime) -> CrlSet:
    """Return the CRLs that belong to a version: of each CA the newest that is not over, by name and key of the CA."""
    content = publishing.content_of(version)
    keys = {each.spki_sha256 for each in content.certificates}
    held = Crl.objects.filter(issuer_spki_sha256__in=keys, next_update__gt=now).exclude(sources=None)
    held = held.filter(sources__owner=version.store.owner_id).select_related("issuer").distinct()
    newest: dict[tuple[str, str], Crl] = {}
    for crl in held.order_by("this_update"):
        newest[(crl.issuer_spki_sha256, crl.issuer.subject)] = crl
    urls = _addresses(list(newest.values()))
    cas = tuple(_of_ca(each, newest.get((each.spki_sha256, each.subject)), urls) for each in content.certificates)
    return CrlSet(store=content.name, version=content.number, cas=cas)


def _addresses(crls: list[Crl]) -> dict[str, str]:
    found = RevocationSource.objects.filter(crl__in=crls).order_by("-url").values_list("crl_id", "url")
    return {digest: url for digest, url in found if digest}


def _of_ca(ca: StoreCertificate, crl: Crl | None, urls: dict[str, str]) -> CrlOfCa:
    if crl is None:
        return CrlOfCa(ca, None, _why_none(ca))
    current = CurrentCrl(
        der=bytes(crl.der),
        sha256=crl.sha256,
        number=crl.number,
        this_update=crl.this_update,
        next_update=crl.next_update,
        entries=crl.entries,
        url=urls.get(crl.sha256, ""),
    )
    return CrlOfCa(ca, current)


def _why_none(ca: StoreCertificate) -> str:
    sources = RevocationSource.objects.filter(kind="crl").filter(
        Q(issuer__spki_sha256=ca.spki_sha256, issuer__subject=ca.subject)
        | Q(crl__issuer_spki_sha256=ca.spki_sha256, crl__issuer__subject=ca.subject)
    )
    source = sources.order_by(F("answered_at").desc(nulls_last=True)).first()
    if source is None:
        return "No certificate or package names an address of its CRL."
    return source.sentence or "Its CRL was not asked for yet."


def deny_list_of(store: TrustStore) -> DenyList:
    """Return what signed notices denied for a store, the oldest first."""
    rows = list(DenyEntry.objects.filter(store=store).select_related("notice").order_by("denied_at", "serial"))
    issuers = Certificate.objects.in_bulk({row.issuer_sha256 for row in rows})
    return DenyList(store.name, store.owner.name, tuple(_denied(row, issuers) for row in rows))


def _denied(row: DenyEntry, issuers: dict[str, Certificate]) -> Denied:
    issuer = issuers[row.issuer_sha256]
    return Denied(
        issuer=issuer.subject,
        issuer_sha256=row.issuer_sha256,
        issuer_spki_sha256=issuer.spki_sha256,
        authority_key_identifier=str(issuer.facts.get("subject_key_identifier") or ""),
        serial=row.serial,
        certificate_sha256=row.certificate_sha256,
        reason=row.reason,
        notice=row.notice.label,
        notice_sha256=row.notice.payload_sha256,
        signer_fingerprint=row.notice.signer_fingerprint,
        denied_at=row.denied_at,
    )
