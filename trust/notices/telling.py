"""What the log, mails and webhooks tell of a notice."""

from collections.abc import Mapping
from typing import Any

from portal import words
from trust.notices import document as documents
from trust.notices import rules
from trust.notices.document import hexadecimal
from trust.notices.models import Notice


def event_data(notice: Notice) -> Mapping[str, Any]:
    """Return what the log, mails and webhooks tell of a notice; never read from the live row again."""
    said = notice.says
    digest = notice.certificate.sha256 if notice.certificate else hexadecimal(said.get("certificate_sha256", ""))
    urgent = notice.meaning.urgent
    return {
        "headline": headline(notice),
        "takes_effect": words.exact(notice.effective_at),
        "act_by": words.exact(notice.acknowledge_by),
        "fingerprint": words.spaced(digest),
        "label": notice.label,
        "title": notice.title,
        "kind": notice.kind,
        "severity": notice.severity,
        "sequence": notice.sequence,
        "message_id": notice.message_id,
        "rehearsal": notice.rehearsal,
        "distress": notice.distress,
        "urgent": urgent,
        "reason": rules.REASON_WORDS.get(said.get("revocation_reason", ""), ""),
        "certificate": common_name(notice.certificate.subject) if notice.certificate else "",
        "certificate_sha256": digest,
        "serial": said.get("certificate_serial", ""),
        "matched": notice.matched,
        "effective_at": documents.stamp(notice.effective_at),
        "acknowledge_by": documents.stamp(notice.acknowledge_by),
        "signer_fingerprint": notice.signer_fingerprint,
        "signer": words.shortened(notice.signer_fingerprint),
        "key_verified": notice.key_verified,
        "payload_sha256": notice.payload_sha256,
        "exceptions": notice.exceptions,
        "tlp": said.get("tlp", "TLP:AMBER"),
        "todo": notice.meaning.todo,
    }


def headline(notice: Notice) -> str:
    """Return the mail's subject, which is also the pager's sentence: "[Act by 06:20 UTC] Halden revoked X (HF-2026-014)"."""
    sentence = f"{notice.title} ({notice.label})"
    return f"[Act by {words.clock(notice.acknowledge_by)}] {sentence}" if notice.meaning.urgent else sentence


def common_name(subject: str) -> str:
    """Return the CN of a subject as the portal shows names, or all of it when it has none."""
    for part in subject.split(","):
        name, _, value = part.strip().partition("=")
        if name.upper() == "CN" and value:
            return value[:120]
    return subject[:120]
