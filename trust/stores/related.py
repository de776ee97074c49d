"""What stores add to pages of features below them: where a certificate is trusted, and what came of a submission."""

from datetime import datetime

from django.urls import reverse

from portal.organizations.models import Organization
from trust.certificates.models import Certificate
from trust.certificates.showing import Related
from trust.stores import compositions, queries
from trust.stores.models import StoreVersion, TrustStore
from trust.submissions.models import Submission


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


def published_in(submission: Submission) -> str:
    """Return the first version that an accepted submission went into, like "halden-prod v10"; nothing for none."""
    version = StoreVersion.objects.filter(submission=submission).select_related("store").order_by("number").first()
    return f"{version.store.name} v{version.number}" if version else ""


def active_version(submission: Submission) -> tuple[str, list[bytes]]:
    """Return the version that a submission would change, like "halden-prod v8", and the DER of its certificates."""
    name = compositions.name_for(submission)
    store = TrustStore.objects.filter(relying=submission.relying_id, name=name).first()
    version = queries.current(store) if store else None
    if version is None:
        return "", []
    return f"{name} v{version.number}", [bytes(entry.certificate.der) for entry in queries.entries(version)]
