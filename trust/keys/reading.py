"""From what the reader of OpenPGP says to the refusals of the portal."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from portal import errors, words
from trust.pki.openpgp.errors import NotReadable, RingBroken, TooLarge, ToolMissing
from trust.pki.openpgp.key_codes import Severity
from trust.pki.openpgp.key_facts import KeyFacts
from trust.pki.openpgp.verdicts import SignatureReport

PRIVATE_KEY_FOUND = "private_key_found"


@contextmanager
def refusing(field: str) -> Iterator[None]:
    """Turn what the reader raises about the upload in ``field`` into Invalid, TooLarge or Unavailable."""
    try:
        yield
    except TooLarge as problem:
        raise errors.TooLarge(problem.sentence, code=problem.code, fix=problem.fix) from problem
    except NotReadable as problem:
        raise errors.Invalid(
            problem.sentence, code=problem.code, fix=problem.fix, fields={field: [_both(problem.sentence, problem.fix)]}
        ) from problem
    except (RingBroken, ToolMissing) as problem:
        raise errors.Unavailable(problem.sentence, code=problem.code, fix=problem.fix) from problem


def refuse_bad_key(facts: KeyFacts) -> None:
    """Raise Invalid with every finding that keeps the key out; pass if there is none."""
    against = [finding for finding in facts.findings if finding.severity is Severity.REFUSE]
    if not against:
        return
    raise errors.Invalid(
        against[0].sentence,
        code=against[0].code,
        fix=against[0].fix,
        fields={"block": [_both(finding.sentence, finding.fix) for finding in against]},
        extra={"findings": stored_findings(facts)},
    )


def refuse_bad_signature(report: SignatureReport, *, field: str, code: str = "") -> None:
    """Raise Invalid with the report's words unless the signature is good."""
    if report.is_good:
        return
    raise errors.Invalid(
        report.sentence,
        code=code or f"signature_{report.verdict.value}",
        fix=report.fix,
        fields={field: [_both(report.sentence, report.fix)]},
    )


def stored_findings(facts: KeyFacts) -> list[dict[str, str]]:
    """Return the findings as plain JSON."""
    return [
        {"code": each.code, "severity": each.severity.value, "sentence": each.sentence, "fix": each.fix}
        for each in facts.findings
    ]


def stored_facts(facts: KeyFacts) -> dict[str, Any]:
    """Return what the pages show about a key besides its columns, as plain JSON."""
    return {
        "bits": facts.bits,
        "curve": facts.curve,
        "can_sign_now": facts.can_sign_now,
        "subkeys": [words.concealed(each) for each in facts.subkey_fingerprints],
        "findings": stored_findings(facts),
    }


def private_key_refusal(*, kind: str, line: int | None, own: bool) -> errors.Invalid:
    """Return the refusal of an upload with a private key inside. It carries nothing of the key."""
    where = f"Line {line} of your upload starts an {kind}." if line else f"Your upload holds an {kind}."
    return errors.Invalid(
        f"{where} We did not store it, and no part of it was logged or shown to anybody.",
        code=PRIVATE_KEY_FOUND,
        fix="Treat this key as exposed: revoke it, make a new key, and upload only its public part.",
        extra={"kind": kind, "line": line, "registered": own},
    )


def _both(sentence: str, fix: str) -> str:
    return f"{sentence} {fix}".strip()
