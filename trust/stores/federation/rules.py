"""Trust domains, and bundles of several of them in one document. Plain Python.

SPIFFE-ID 2.1 (names of trust domains), SPIFFE Trust Domain and Bundle 4 (bundles and bundle maps).
"""

import json
import re
from collections.abc import Iterable

TRUST_DOMAIN = re.compile(r"[a-z0-9._-]{1,255}")
REFRESH_HINT = "spiffe_refresh_hint"


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


def bundle_map(bundles: Iterable[tuple[str, bytes]]) -> bytes:
    """Return one document with a bundle for each trust domain; a hint how often to ask belongs to the whole, and is left out.

    Raises ValueError when a trust domain comes twice: a reader must refuse that, so it is never written.
    """
    found: dict[str, dict[str, object]] = {}
    for trust_domain, bundle in bundles:
        if trust_domain in found:
            raise ValueError(f"{trust_domain} comes twice.")
        found[trust_domain] = {name: value for name, value in json.loads(bundle).items() if name != REFRESH_HINT}
    return (json.dumps({"trust_domains": dict(sorted(found.items()))}, indent=1) + "\n").encode("ascii")
