"""JSON: everything the portal knows about a version, so that a program can check each certificate's origin itself."""

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trust.stores.formats.content import StoreCertificate, StoreContent


def moment(value: datetime) -> str:
    """Return an instant as RFC 3339 in UTC, to the second."""
    return value.strftime("%Y-%m-%dT%H:%M:%SZ")


def provenance(certificate: StoreCertificate) -> dict[str, Any]:
    """Return where a certificate's right to be in the store comes from, as JSON members."""
    return {
        "submission": certificate.submission_number,
        "submission_sha256": certificate.submission_sha256,
        "signer_fingerprint": certificate.signer_fingerprint,
        "verification": certificate.verification_id,
    }


def certificate_members(certificate: StoreCertificate) -> dict[str, Any]:
    """Return one certificate as JSON members. Digests are lower-case hex; ``der`` is standard base64."""
    return {
        "sha256": certificate.sha256,
        "spki_sha256": certificate.spki_sha256,
        "role": certificate.role,
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "serial": certificate.serial,
        "not_before": moment(certificate.not_before),
        "not_after": moment(certificate.not_after),
        "provenance": provenance(certificate),
        "der": base64.b64encode(certificate.der).decode("ascii"),
    }


@dataclass(frozen=True)
class JsonDocument:
    """The one format that loses nothing."""

    extension: str = "json"
    content_type: str = "application/json"
    label: str = "JSON with provenance"
    anchors_only: bool = False
    loses: tuple[str, ...] = ()

    def encode(self, content: StoreContent) -> bytes:
        """Return the version as a JSON object, indented, with a final line feed."""
        document = {
            "store": content.name,
            "version": content.number,
            "published_at": moment(content.published_at),
            "owner": content.owner,
            "relying": content.relying,
            "purpose": content.purpose,
            "environment": content.environment,
            "withdrawn": content.withdrawn,
            "constraints": content.constraints,
            "set_sha256": content.set_sha256,
            "certificates": [certificate_members(each) for each in content.certificates],
        }
        return (json.dumps(document, indent=1, ensure_ascii=True) + "\n").encode("ascii")

    def read(self, artifact: bytes) -> list[bytes]:
        """Return the DER of each certificate."""
        document = json.loads(artifact)
        return [base64.b64decode(each["der"], validate=True) for each in document["certificates"]]
