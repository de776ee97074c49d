"""Weak RSA keys that the library badkeys knows: its authors collect what faulty programs made and what was factored.

What its lists of leaked keys hold is not asked: they are fetched from its authors' server, and reading knows no network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

_WORDS = {
    "sharedprimes": "one of its primes is public knowledge",
    "rsapoly": "its modulus has the pattern of a faulty generator, and can be factored",
    "smalld": "its private exponent is so small that it can be computed (Wiener's attack)",
    "smallfactors": "its modulus can be divided by a small prime",
}


def load() -> None:
    """Load the library now rather than with the first RSA key."""
    _checks()


@cache
def _checks() -> Mapping[str, Callable[..., object]]:
    # Loaded on first use: it costs a tenth of a second and some memory, and most CAs have no RSA key.
    from badkeys import checks

    return {name: checks.allchecks[name]["function"] for name in _WORDS}


def known_weakness(modulus: int, exponent: int) -> str | None:
    """Return why an RSA key of 2048 to 8192 bits is known to be weak, to follow "The key is not safe: ", or None."""
    return next((_WORDS[name] for name, check in _checks().items() if check(modulus, e=exponent)), None)
