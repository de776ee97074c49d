"""The test kit: one script with files that a side runs against its own endpoint, and its result as evidence (guide 5.1 to 5.4)."""

import io
import json
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.db import transaction

from portal import errors
from portal.organizations.acting import Actor
from portal.organizations.models import Organization
from portal.organizations.rules import Right
from portal.partnerships.models import Partnership
from trust.onboarding.kit_rules import OUTCOMES, TESTS
from trust.onboarding.models import KitResult
from trust.onboarding.negative import served_store
from trust.onboarding.services import record, refuse_unusable
from trust.submissions.models import Submission, SubmissionCertificate

FILES = Path(__file__).with_name("kit_files")
FORMAT = "partner-trust-exchange/test-kit-result"
RESULT_LONGEST = 64 * 1024  # bytes
_STAMP = (2020, 1, 1, 0, 0, 0)


def build(partnership: Partnership, side: Organization) -> bytes:
    """Return the kit of one side as a zip; the same contents give the same bytes.

    Raises Conflict while the side has published no store, or the other has accepted no CA of it.
    """
    version, store = served_store(partnership, side)
    roots, others = _accepted(partnership, side)
    if not roots:
        raise errors.Conflict(
            f"{partnership.other(side).name} has not accepted a root CA of yours yet.", code="no_accepted_roots"
        )
    store_roots = [each for each in x509.load_pem_x509_certificates(store) if each.issuer == each.subject]
    files = {
        "README.txt": (FILES / "README.txt").read_bytes(),
        "run.sh": (FILES / "run.sh").read_bytes(),
        "kit-id.txt": f"{kit_id(partnership, side)} {version.store.name} v{version.number}".encode(),
        "own-roots.pem": _pem(roots),
        "own-cas.pem": _pem([*roots, *others]),
        "partner-store.pem": store,
        "partner-roots.txt": "".join(f"{_common_name(each)}\n" for each in store_roots).encode(),
    }
    return _zip(files, folder=folder_name(partnership, side))


def folder_name(partnership: Partnership, side: Organization) -> str:
    """Return what the kit of one side is called: the folder in the zip, and the zip without its ending."""
    return f"test-kit-{partnership.slug}-{side.slug}"


def kit_id(partnership: Partnership, side: Organization) -> str:
    """Return what a result says about where it belongs."""
    return f"{partnership.slug}/{side.slug}"


def _accepted(partnership: Partnership, owner: Organization) -> tuple[list[bytes], list[bytes]]:
    places = SubmissionCertificate.objects.filter(
        submission__partnership=partnership, submission__owner=owner, submission__state=Submission.State.ACCEPTED
    ).select_related("certificate")
    roots = {each.certificate_id: bytes(each.certificate.der) for each in places if each.role == "anchor"}
    others = {each.certificate_id: bytes(each.certificate.der) for each in places if each.role != "anchor"}
    return [roots[key] for key in sorted(roots)], [others[key] for key in sorted(others)]


def _pem(ders: list[bytes]) -> bytes:
    return b"".join(x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM) for der in ders)


def _common_name(certificate: x509.Certificate) -> str:
    """The part of the name that openssl prints however it formats names; one line, printable."""
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    text = str(names[0].value) if names else certificate.subject.rfc4514_string()
    return "".join(each for each in text if each.isprintable() and each.isascii())


def _zip(files: dict[str, bytes], *, folder: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(f"{folder}/{name}", _STAMP)
            entry.external_attr = (0o755 if name.endswith(".sh") else 0o644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return target.getvalue()


def hand_in(*, actor: Actor, partnership: Partnership, content: bytes, now: datetime) -> KitResult:
    """Keep a result of the kit as evidence. Raises Invalid for anything but a whole result of this side's kit."""
    organization = actor.require(Right.UPLOAD)
    if not partnership.has(organization):
        raise errors.NotFound()
    if len(content) > RESULT_LONGEST:
        raise errors.TooLarge("This is larger than any result of the test kit.", fix="Upload results.json.")
    refuse_unusable(content)
    read = _read(content, kit_id(partnership, organization))
    tests = read["results"]
    counted = [each for each in tests if each["outcome"] != "skipped" or not TESTS[each["test"]].optional]
    with transaction.atomic():
        made = KitResult.objects.create(
            partnership=partnership,
            organization=organization,
            content=content,
            results=tests,
            passed=sum(each["outcome"] == "passed" for each in counted),
            count=len(counted),
            store_version=read["store_version"],
            handed_in_by=actor.user,
            at=now,
        )
        data = {"passed": made.passed, "count": made.count}
        record("onboarding.kit_result", actor, partnership, now, data=data, subject="test_kit")
    return made


def _read(content: bytes, expected_kit: str) -> dict[str, Any]:
    try:
        read = json.loads(content)
    except (ValueError, RecursionError):
        raise _invalid("This is no JSON. Upload results.json as the script wrote it.") from None
    if not isinstance(read, dict) or read.get("format") != FORMAT or read.get("format_version") != 1:
        raise _invalid("This is no result of the test kit. Upload results.json as the script wrote it.")
    kit, _, store = str(read.get("kit", "")).partition(" ")
    if kit != expected_kit:
        raise _invalid("This result is of the kit of another partnership or side.")
    results = read.get("results")
    if not isinstance(results, list) or [
        each.get("test") if isinstance(each, dict) else None for each in results
    ] != list(TESTS):
        raise _invalid("The result does not have exactly the tests of the kit. Get the kit again and run it.")
    if not all(_is_written(each.get("outcome"), each.get("says")) for each in results):
        raise _invalid("The result has an outcome that the kit does not write.")
    number = store.rpartition(" v")[2]
    tests = [{"test": each["test"], "outcome": each["outcome"], "says": each["says"][:200]} for each in results]
    return {"results": tests, "store_version": int(number) if number.isdecimal() and len(number) < 9 else None}


def _is_written(outcome: object, says: object) -> bool:
    """Whether the script can have written this: a text of it prints, and PostgreSQL cannot keep every one that does not."""
    return isinstance(outcome, str) and outcome in OUTCOMES and isinstance(says, str) and says.isprintable()


def _invalid(sentence: str) -> errors.Invalid:
    return errors.Invalid(sentence, code="kit_result_not_usable", fields={"file": [sentence]})
