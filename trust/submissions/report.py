"""The findings of a report as lines to be shown, by weight; what both sides waived stands apart."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from trust.agreements import codes as agreed
from trust.agreements.checks import WAIVED_UNTIL

SEVERITIES = (
    ("refuse", "Must be fixed"),
    ("problem", "Problems"),
    ("warning", "Warnings"),
    ("note", "Good to know"),
)


WAIVED = ("waived", "Waived for now")


class Shown(Protocol):
    """A finding, stored or just made."""

    @property
    def code(self) -> Any: ...
    @property
    def severity(self) -> Any: ...
    @property
    def sentence(self) -> Any: ...
    @property
    def fix(self) -> Any: ...
    @property
    def source(self) -> Any: ...
    @property
    def detail(self) -> Any: ...


@dataclass(frozen=True)
class Line:
    """One finding as the report shows it. ``more`` is what was seen or agreed; ``waived`` says until when, if both agreed."""

    code: str
    severity: str
    sentence: str
    fix: str
    source: str
    waived: str
    more: str


def detail_of(finding: Shown, *, in_full: bool) -> str:
    """Return what there is to say beside the sentence: the clause, or the fingerprints of twins.

    Fingerprints stay away from whoever is to type them (``in_full``); clauses are known to both sides.
    """
    text = finding.detail.get("text", "") if isinstance(finding.detail, dict) else finding.detail
    return text if in_full or finding.code in agreed.DEFINITIONS else ""


def _line(finding: Shown, *, in_full: bool) -> Line:
    severity = getattr(finding.severity, "value", finding.severity)
    more = detail_of(finding, in_full=in_full)
    first, _, rest = more.partition("\n")
    waived, more = (
        (first, rest) if finding.code in agreed.DEFINITIONS and first.startswith(WAIVED_UNTIL) else ("", more)
    )
    return Line(finding.code, severity, finding.sentence, finding.fix, finding.source, waived, more)


def checks(findings: Iterable[Shown], *, in_full: bool) -> list[tuple[str, str, list[Line]]]:
    """Return severity, heading and findings, the heaviest first; empty groups are left out.

    What both sides waived stands apart, since it comes back when the waiver is over.
    """
    listed = [_line(each, in_full=in_full) for each in findings]
    waived = [each for each in listed if each.waived]
    groups = [
        (value, title, [each for each in listed if each.severity == value and not each.waived])
        for value, title in SEVERITIES
    ]
    groups.insert(-1, (*WAIVED, waived))
    return [group for group in groups if group[2]]
