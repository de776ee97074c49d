"""The page of finding codes, made from the tables that the checks use: ``python -m portal.docs.findings``."""

import re
from collections.abc import Iterable
from pathlib import Path

from trust.agreements import codes as agreed
from trust.pki import codes
from trust.pki.findings import Severity
from trust.pki.openpgp import key_codes
from trust.pki.openpgp.verdicts import WORDS, Verdict

DOCUMENT = Path(__file__).resolve().parent.parent.parent / "docs" / "findings.md"
SIGNATURES, AGREEMENT, OPENPGP_KEYS = "Signatures", "The agreement", "OpenPGP keys"
# Explained by a family of their own: the verdicts of a signature stand in the part on signatures.
_FAMILIES = frozenset({"signature"})
_WORD = re.compile(r"\{(\w+)\}")
HEAD = """# Findings

What the checks of a bundle, a certificate or an OpenPGP key can say. A code never changes its meaning, so that a pipeline may
match on it; sentences may get better. Words in *italics* are filled in. The source is what is broken: an RFC section, the
mutual TLS guide, a clause of the agreement, or the portal's own rules of intake.

| Severity | Means |
| --- | --- |
| **refuse** | The upload is not taken. |
| **problem** | Taken, but something will break, or breaks the terms already. A person must decide. |
| **warning** | Taken. Works today, and is likely to hurt later. |
| **note** | Good to know, nothing to do. |

This page is made from the code: `python -m portal.docs.findings`.
"""
_TABLE = "| Code | Severity | Says | What to do | Source |\n| --- | --- | --- | --- | --- |\n"
_LEADS = {
    AGREEMENT: "While no agreement is in force the same checks run against the recommended terms, and none weighs more than a "
    "warning. A finding whose clause both sides waived is a note that says until when.",
    SIGNATURES: "The signature of an upload; everything but a good one refuses it.",
    OPENPGP_KEYS: "Said when a key is uploaded, not about a bundle.",
    "The linter": "A remark of pkilint has the code `pkilint.` and the linter's own code, and the linter's severity: what breaks a "
    "MUST of RFC 5280 is a problem. Where a rule of the portal says the same, only that rule speaks.",
}

Row = tuple[str, str, str, str, str]


def parts() -> dict[str, list[Row]]:
    """Return the rows of each part: code, severity, sentence, fix and source."""
    found = {title: [_row(one) for one in part.values() if one.code not in _FAMILIES] for title, part in _sections()}
    found[SIGNATURES] = [
        (f"signature_{verdict.value}", Severity.REFUSE.value, sentence, fix, "RFC 9580 5.2; Portal intake rules")
        for verdict, (sentence, fix) in WORDS.items()
        if verdict is not Verdict.GOOD
    ]
    found[OPENPGP_KEYS] = [
        (one.code, one.severity.value, one.sentence, one.fix, "RFC 9580; Portal intake rules")
        for one in key_codes.DEFINITIONS.values()
    ]
    return {title: rows for title, rows in found.items() if rows}


def _sections() -> Iterable[tuple[str, dict[str, codes.Definition]]]:
    yield from codes.SECTIONS.items()
    yield AGREEMENT, agreed.DEFINITIONS


def _row(one: codes.Definition) -> Row:
    return one.code, one.severity.value, one.sentence, one.fix, one.source


def text() -> str:
    """Return the page as Markdown: a table for each part, a row for each code."""
    written = [HEAD]
    for title, rows in parts().items():
        lead = f"{_LEADS[title]}\n\n" if title in _LEADS else ""
        lines = [
            f"| `{code}` | {severity} | {_cell(says)} | {_cell(fix)} | {_cell(source)} |\n"
            for code, severity, says, fix, source in rows
        ]
        written.append(f"\n## {title}\n\n{lead}{_TABLE}{''.join(lines)}")
    return "".join(written)


def _cell(sentence: str) -> str:
    parts = sentence.replace("|", "\\|").split("`")
    # Every second part stands between backticks, where italics would be shown as asterisks.
    return "`".join(_WORD.sub(_in_capitals if n % 2 else _in_italics, part) for n, part in enumerate(parts))


def _in_italics(found: re.Match[str]) -> str:
    return f"*{found[1].replace('_', ' ')}*"


def _in_capitals(found: re.Match[str]) -> str:
    return found[1].upper()


if __name__ == "__main__":
    DOCUMENT.write_text(text(), encoding="utf-8")
