"""What is trusted on grounds that have gone since."""

from collections.abc import Iterable

from django.db.models import Count, Exists, F, OuterRef
from django.urls import reverse

from portal import words
from portal.dashboard.desk import Desk
from portal.dashboard.need import LIMIT, Need
from portal.organizations.rules import Right
from trust.keys.models import OpenPgpKey
from trust.stores.models import StoreEntry


def versions_signed_by_revoked_keys(desk: Desk) -> Iterable[Need]:
    """Stores whose current version holds certificates that their owner signed with a key that was revoked since.

    A version is never changed by it: a lost key does not make the certificates wrong, and a thief's bundle would have needed
    the call. But a person must decide, and the row stays until the certificates are removed or came again under another key.
    """
    if not desk.actor.has(Right.APPROVE):
        return
    revoked = OpenPgpKey.objects.filter(
        organization=OuterRef("version__store__owner"),
        fingerprint=OuterRef("signer_fingerprint"),
        state=OpenPgpKey.State.REVOKED,
    )
    resting = (
        StoreEntry.objects.filter(
            Exists(revoked),
            version__store__relying=desk.own,
            version__number=F("version__store__current_number"),
        )
        .values(
            "version__store__name",
            "version__store__owner__name",
            "version__store__partnership_id",
            "signer_fingerprint",
        )
        .annotate(held=Count("pk"), number=F("version__number"))
        .order_by("version__store__name", "signer_fingerprint")
    )
    for each in resting[:LIMIT]:
        store, owner, held = each["version__store__name"], each["version__store__owner__name"], each["held"]
        certificates = "1 certificate" if held == 1 else f"{held} certificates"
        yield Need(
            title=f"Review {store} v{each['number']}: its OpenPGP key was revoked",
            sentence=f"{owner} signed {certificates} of it with the OpenPGP key {words.concealed(each['signer_fingerprint'])}. "
            "Ask them, over a number from the directory, why it was revoked, and remove what you no longer trust.",
            url=reverse("trust_store", args=[store]),
            icon="eye",
            tint="bad",
            tag="Review",
            partnership_id=each["version__store__partnership_id"],
        )
