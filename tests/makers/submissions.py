"""Signed bundles as Alder sends them to Birch: everything is valid, and Alder's key is verified, unless a test says otherwise."""

from functools import cache

from tests.cast import Cast
from tests.makers import certificates as make
from tests.makers import keys as key_makers
from tests.makers.openpgp import OpenPgpHolder
from tests.moments import EVERYTHING_VALID
from trust.submissions import services
from trust.submissions.models import Submission
from trust.verifications.models import ItemKind, VerificationRequest

hierarchy = cache(make.hierarchy)


def signer(cast: Cast, *, verified: bool = True) -> OpenPgpHolder:
    """The holder of Alder's key, which Birch has verified."""
    found = key_makers.verified_key(cast.alder, cast.birch) if verified else key_makers.proven_key(cast.alder)
    return found[1]


def submit(
    cast: Cast,
    content: bytes | None = None,
    *,
    holder: OpenPgpHolder | None = None,
    signature: bytes | None = b"sign",
    **fields: object,
) -> Submission:
    """Submit a bundle (by default the CAs of Alder's hierarchy) as an officer of Alder, with a good detached signature."""
    content = hierarchy().bundle if content is None else content
    if signature == b"sign":
        signature = (holder or signer(cast)).sign_detached(content)
    defaults: dict = {
        "partnership": cast.partnership,
        "file_name": "bundle.pem",
        "content": content,
        "signature": signature,
        "actor": cast.alder.officer.actor,
        "now": EVERYTHING_VALID,
    }
    return services.submit(**(defaults | fields))


def request_about(cast: Cast, fingerprint: str, kind: str = ItemKind.CERTIFICATE) -> VerificationRequest:
    """The request of Birch about a fingerprint."""
    return VerificationRequest.objects.exclude(state="withdrawn").get(
        relying=cast.birch.organization, item_kind=kind, fingerprint=fingerprint
    )
