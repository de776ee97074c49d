"""Names of trust domains (SPIFFE-ID 2.1). Plain Python."""

import re
from collections.abc import Iterable

TRUST_DOMAIN = re.compile(r"[a-z0-9._-]{1,255}")


def trust_domain_problem(name: str, agreed: Iterable[str] = ()) -> str:
    """Return what is wrong with the name of a trust domain, or "". ``agreed`` are those that the partner's agreement names."""
    if name.startswith("spiffe://"):
        return "Leave spiffe:// away: a trust domain is only its name, like alder.example."
    if not TRUST_DOMAIN.fullmatch(name):
        return "Use lower-case letters, digits, dots, hyphens and underscores, at most 255, like alder.example."
    known = list(agreed)
    if known and name not in known:
        return f"The agreement names {' and '.join(sorted(known))}, and not this."
    return ""
