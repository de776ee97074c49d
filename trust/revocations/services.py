"""One run of the watch over CRLs and OCSP: what is named, what it says, where it disagrees with notices, and the stores' lists."""

from datetime import datetime

from portal.outbound.guard import Guard
from trust.revocations import configuration, gaps, lists, seeing, sources, watching


def watch(*, now: datetime, guard: Guard | None = None) -> int:
    """Bring everything up to date that CRLs and OCSP responders say, and return how many addresses were asked.

    Safe to run at any time and by several workers: sources are claimed in their rows, and everything else is written once.
    """
    for owner in sources.read_new(now=now):
        seeing.compare_known(owner, now=now)
    asked = watching.poll(now=now, guard=guard or configuration.guard())
    gaps.review(now=now)
    lists.refresh(now=now)
    return asked
