"""What partners signed, as targets: the end-to-end check of an agent starts here and needs no word of the portal."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from trust.keys.models import OpenPgpKey
from trust.stores.models import StoreVersion
from trust.stores.tuf import rules
from trust.stores.tuf.models import TufRepository, TufTarget
from trust.submissions.models import Submission


@dataclass(frozen=True)
class Original:
    """One target: its path, its exact bytes, and what the signed list says about it."""

    path: str
    content: bytes
    custom: dict[str, object]


def of(repository: TufRepository, version: StoreVersion) -> list[Original]:
    """Return the submissions behind a version's certificates, their signatures, and the keys; kept as they are now."""
    ids = version.entries.values_list("submission_id", flat=True)
    found: dict[str, Original] = {}
    for submission in Submission.objects.filter(pk__in=set(ids)).order_by("number"):
        for each in _parts(submission):
            found.setdefault(each.path, each)
    for each in found.values():
        TufTarget.objects.get_or_create(
            repository=repository,
            path=each.path,
            sha256=hashlib.sha256(each.content).hexdigest(),
            defaults={"content": each.content},
        )
    return list(found.values())


def _parts(submission: Submission) -> Iterator[Original]:
    content, signature = bytes(submission.content), bytes(submission.signature)
    path = rules.original_path(submission.content_sha256)
    about: dict[str, object] = {
        "kind": "original",
        "submission": submission.number,
        "file_name": submission.file_name,
        "signer_fingerprint": submission.signer_fingerprint,
        "detached": bool(signature),
    }
    yield Original(path, content, about)
    if signature:
        yield Original(f"{path}.sig", signature, {"kind": "signature", "submission": submission.number})
    key = OpenPgpKey.objects.filter(
        organization_id=submission.owner_id, fingerprint=submission.signer_fingerprint
    ).first()
    if key is not None:
        about_key: dict[str, object] = {"kind": "key", "fingerprint": key.fingerprint}
        yield Original(rules.key_path(key.fingerprint), key.block.encode(), about_key)
