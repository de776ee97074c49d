"""Counting what signature checks say, for operators. Dry runs count as well: somebody was told the verdict."""

from portal.counting import services as counting
from trust.pki.openpgp.verdicts import SignatureReport

SIGNATURE_VERDICTS = "signature_verdicts"
SUBJECTS = ("agreement", "key", "notice", "submission", "verification")


def count(of: str, report: SignatureReport) -> SignatureReport:
    """Count the verdict of ``report`` about a signed thing of the kind ``of`` (one of ``SUBJECTS``), and return it."""
    counting.add(SIGNATURE_VERDICTS, of=of, verdict=report.verdict.value)
    return report
