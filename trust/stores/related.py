"""What stores add to pages of features below them: where a certificate is trusted, and what came of a submission."""

from datetime import datetime

from django.db.models import F
from django.urls import reverse

from portal.organizations.models import Organization
from trust.certificates.models import Certificate
from trust.certificates.showing import Related
from trust.stores import compositions, queries, rules
from trust.stores.models import StoreEntry, StoreVersion, TrustStore
from trust.submissions.models import Submission
from trust.submissions.renewals import Trusted


def trusted_in(organization: Organization, certificate: Certificate, now: datetime) -> list[Related]:
    """Return the current versions of the organization's own stores that hold a certificate."""
    entries = queries.trusting([certificate.sha256], organization).select_related("version__store")
    return [
        Related(
            group="Where it is trusted",
            label=f"{entry.version.store.name} v{entry.version.number}",
            url=reverse("trust_store", args=[entry.version.store.name]),
            at=entry.version.published_at,
        )
        for entry in entries
    ]


def published_in(submission: Submission) -> tuple[str, str]:
    """Return the first version that an accepted submission went into, like "halden-prod v10", and its page; nothing for none."""
    version = StoreVersion.objects.filter(submission=submission).select_related("store").order_by("number").first()
    if version is None:
        return "", ""
    address = reverse("trust_store_version", args=[version.store.name, version.number])
    return f"{version.store.name} v{version.number}", address


def active_version(submission: Submission) -> tuple[str, list[bytes]]:
    """Return the version that a submission would change, like "halden-prod v8", and the DER of its certificates."""
    name = compositions.name_for(submission)
    store = TrustStore.objects.filter(relying=submission.relying_id, name=name).first()
    version = queries.current(store) if store else None
    if version is None:
        return "", []
    return f"{name} v{version.number}", [bytes(entry.certificate.der) for entry in queries.entries(version)]


def anchors_with_keys(relying: Organization, owner: Organization, keys: set[str]) -> list[Trusted]:
    """Return the anchors of ``owner`` with these keys that ``relying`` trusts now, each with the call that it stands on."""
    held = (
        StoreEntry.objects.filter(
            version__store__relying=relying,
            version__store__owner=owner,
            version__number=F("version__store__current_number"),
            role=rules.ANCHOR,
            verification_id__isnull=False,
            certificate__spki_sha256__in=keys,
        )
        .select_related("certificate")
        .order_by("version__store__name", "position")
    )
    rows = list(held)
    revoked = _revoked_keys(relying, owner, {row.certificate.spki_sha256 for row in rows})
    return [
        Trusted(row.certificate, row.verification_id, revoked.get(row.certificate.spki_sha256, ""))
        for row in rows
        if row.verification_id
    ]


def _revoked_keys(relying: Organization, owner: Organization, keys: set[str]) -> dict[str, str]:
    """Return the keys of which a notice took a certificate out of a store, with the notice's name."""
    if not keys:
        return {}
    places = StoreEntry.objects.filter(
        version__store__relying=relying, version__store__owner=owner, certificate__spki_sha256__in=keys
    )
    by_notice = StoreVersion.objects.filter(store__relying=relying, store__owner=owner, removes__gt=0).exclude(
        notice_label=""
    )
    before = places.values_list("version__store", "version__number", "certificate", "certificate__spki_sha256")
    held = {(store, number, digest): key for store, number, digest, key in before}
    return {
        key: version.notice_label
        for version in by_notice
        for (store, number, digest), key in held.items()
        if (store, number) == (version.store_id, version.number - 1)
        and (version.store_id, version.number, digest) not in held
    }
