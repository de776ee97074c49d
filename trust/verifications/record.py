"""The record of a call: one document, in canonical JSON, whose digest stands in the log."""

import hashlib
from datetime import datetime
from typing import Any

from portal.audit import rules as chain
from portal.partnerships import contact_queries, contact_rules
from trust.verifications import groups as typing_rules
from trust.verifications import rules
from trust.verifications.models import Verification, VerificationRecord

FORMAT = "trust-exchange/verification/1"
Part = VerificationRecord.Part


def canonical(document: dict[str, Any]) -> bytes:
    """Return the bytes of a document that are hashed, signed and downloaded: canonical JSON (RFC 8785)."""
    return chain.canonical(document)


def write_call(call: Verification, *, now: datetime) -> VerificationRecord:
    """Write the document of a call that has just ended, once and for all."""
    return _write(call, Part.CALL, call_document(call), now)


def write_decision(call: Verification, document: dict[str, Any], *, now: datetime) -> VerificationRecord:
    """Write the document of an officer's decision about a recorded call."""
    return _write(call, Part.DECISION, document, now)


def _write(call: Verification, part: Part, document: dict[str, Any], now: datetime) -> VerificationRecord:
    stored = chain.storable(document)
    digest = hashlib.sha256(canonical(stored)).hexdigest()
    return VerificationRecord.objects.create(verification=call, part=part, document=stored, sha256=digest, at=now)


def call_document(call: Verification) -> dict[str, Any]:
    """Return everything that is kept of a call (ux.md 2.5).

    The full fingerprint, and groups that matched, stand in it only when every group matched: after a stop or a mismatch,
    somebody of the relying organization may have to type them yet. Its digest binds the record to it all the same.
    """
    request, story = call.request, call.story()
    matched = call.state == Verification.State.RECORDED
    return {
        "format": FORMAT,
        "id": str(call.pk),
        "number": call.number,
        "rehearsal": request.is_rehearsal,
        "outcome": call.state,
        "item": {
            "kind": request.item_kind,
            "label": request.label,
            "algorithm": "sha1" if len(request.fingerprint) == 40 else "sha256",
            "fingerprint": request.fingerprint if matched else None,
            "fingerprint_sha256": hashlib.sha256(bytes.fromhex(request.fingerprint)).hexdigest(),
        },
        "source": {
            "label": request.source_label,
            "path": request.source_path,
            "file_sha256": request.source_sha256 or None,
        },
        "organizations": {
            "relying": {"id": str(request.relying_id), "name": request.relying.name},
            "owner": {"id": str(request.owner_id), "name": request.owner.name},
        },
        "verifier": _person(call.verifier, call.verifier_role, call.verifier_sign_in),
        "reader": _person(call.reader, call.reader_role, call.reader_sign_in),
        "call": {
            "type": call.call_type,
            "directory_entry": str(call.contact_id),
            "contact": call.contact.name,
            "number_dialed": contact_rules.masked(call.number_dialed),
            "directory_history": _directory_history(call),
            "continues": call.continues.number if call.continues else None,
            "started_at": _iso(call.started_at),
            "ended_at": _iso(call.ended_at),
            "ended_because": call.ended_because,
            "ended_by": call.ended_by_label,
            "note": call.ended_note,
            "pauses": call.pauses,
            "code_matched_at": _iso(call.code_matched_at),
            "code_misses": call.code_misses,
            "reads_from": call.reads_from,
            "reads_from_note": call.reads_from_note,
            "read_back_by_verifier_at": _iso(call.read_back_by_verifier_at),
            "read_back_by_reader_at": _iso(call.read_back_by_reader_at),
            "script": call.script,
        },
        "groups": [
            {
                "index": row.index,
                "typed": row.typed if matched else row.typed[: row.misses],
                "tries": len(row.typed),
                "pasted": row.pasted,
                "matched_at": _iso(row.matched_at),
            }
            for row in call.groups.all()
        ],
        "totals": {
            "groups": len(story),
            "matched": sum(group.matched for group in story),
            "mismatches": typing_rules.mismatches(story),
            "pasted": sum(row.pasted for row in call.groups.all()),
        },
        **({"drill": rehearsal_outcome(call)} if request.is_rehearsal else {}),
    }


def rehearsal_outcome(call: Verification) -> dict[str, Any]:
    """Return what a rehearsal showed: whether somebody noticed the wrong group, who ended it, and how fast (seconds).

    Only people who stop the call have noticed. When the limits ended it, the verifier went on guessing.
    """
    ended_by_person = call.ended_because == rules.StopReason.VALUES_DIFFER
    took = (
        (call.ended_at - call.first_mismatch_at).total_seconds() if call.first_mismatch_at and call.ended_at else None
    )
    return {
        "noticed": bool(ended_by_person and call.first_mismatch_at),
        "ended_because": call.ended_because,
        "seconds": round(took) if took is not None else None,
    }


def _person(user: Any, role: str, sign_in: str) -> dict[str, str] | None:
    if user is None:
        return None
    return {"id": str(user.pk), "name": user.name, "role": role, "sign_in": sign_in}


def _directory_history(call: Verification) -> list[dict[str, Any]]:
    return [
        {
            "what": change.what,
            "at": _iso(change.at),
            "by": change.by_label,
            "number": contact_rules.masked(change.phone),
        }
        for change in contact_queries.history(call.contact)
    ]


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
