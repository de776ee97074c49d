"""A partner that holds a real key and signs real notices. Everything is valid unless a test spoils one thing."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.cast import Cast, Company
from tests.makers import stores
from tests.makers.openpgp import OpenPgpHolder, make_holder
from tests.moments import EVERYTHING_VALID
from trust.keys.models import OpenPgpKey
from trust.notices import document, services
from trust.notices.rules import Kind
from trust.verifications.models import ItemKind, VerificationRequest

LEAD = timedelta(hours=4)


@dataclass
class Signer:
    """Alder's signing desk: composes, signs and sends notices to Birch."""

    cast: Cast
    holder: OpenPgpHolder
    sender: Company

    def members(self, kind: str = "ca_revocation", *, now: datetime = EVERYTHING_VALID, **members: Any) -> dict:
        """Return the members of a good notice; a revocation of the issuing CA unless told otherwise."""
        defaults: dict[str, Any] = {}
        if kind == "ca_revocation":
            defaults = {
                "certificate_sha256": stores.hierarchy("Alder").issuing.sha256,
                "revocation_reason": "keyCompromise",
                "effective_date": document.stamp(now + LEAD),
            }
        partner = self.cast.birch if self.sender is self.cast.alder else self.cast.alder
        made = document.new_members(
            Kind(kind), issuer=self.sender.organization.slug, partner=partner.organization.slug, now=now
        )
        return {name: value for name, value in (made | defaults | members).items() if value is not None}

    def signed(self, members: dict | bytes, *, at: datetime | None = None) -> tuple[bytes, bytes]:
        """Return the canonical bytes and a detached signature over them."""
        content = members if isinstance(members, bytes) else document.canonical(members)
        return content, self.holder.sign_detached(content, at=at)

    def send(self, *, now: datetime = EVERYTHING_VALID, actor=None, at: datetime | None = None, **members: Any):
        """Compose, sign and send a notice; return what became of it."""
        content, signature = self.signed(self.members(now=now, **members), at=at or now)
        return services.submit(actor=actor or self.sender.officer.actor, now=now, content=content, signature=signature)


def make_signer(
    cast: Cast, *, name: str = "Alder", sender: Company | None = None, verified: bool = True, fresh: bool = False
) -> Signer:
    """Return a company's signer whose key is proven, and verified by phone by the partner."""
    sender = sender or cast.alder
    relying = cast.birch if sender is cast.alder else cast.alder
    holder = make_holder(name, fresh=fresh)
    OpenPgpKey.objects.create(
        organization=sender.organization,
        fingerprint=holder.fingerprint,
        version=4,
        algorithm="Ed25519",
        block=holder.public_block().decode(),
        state=OpenPgpKey.State.PROVEN,
        key_created_at=EVERYTHING_VALID,
        created_at=EVERYTHING_VALID,
        proven_at=EVERYTHING_VALID,
    )
    if verified:
        verify(cast, holder.fingerprint, owner=sender, relying=relying)
    return Signer(cast, holder, sender)


def verify(cast: Cast, fingerprint: str, *, owner: Company, relying: Company) -> VerificationRequest:
    """Return the approved verification of a key by the partner."""
    return VerificationRequest.objects.create(
        partnership=cast.partnership,
        owner=owner.organization,
        relying=relying.organization,
        item_kind=ItemKind.OPENPGP_KEY,
        fingerprint=fingerprint,
        label="OpenPGP key",
        reading_command="gpg --fingerprint",
        source_label="Key",
        uploaded_by=owner.verifier.user,
        state=VerificationRequest.State.APPROVED,
        created_at=EVERYTHING_VALID,
        approved_at=EVERYTHING_VALID,
        approved_by=relying.officer.user,
    )
