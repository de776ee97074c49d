"""What can be done with a submission. Each act is one transaction with its event."""

from trust.submissions.deciding import accept, decline, withdraw
from trust.submissions.following import follow_key, follow_verification, hold_for_key, recheck_waiting
from trust.submissions.forecasting import ask_java
from trust.submissions.receiving import check_bundle, submit

__all__ = [
    "accept",
    "ask_java",
    "check_bundle",
    "decline",
    "follow_key",
    "follow_verification",
    "hold_for_key",
    "recheck_waiting",
    "submit",
    "withdraw",
]
