"""Whether a public key is safe to trust for decades. The object of a library says nothing about that.

Follows what public CAs check before they sign a key (boulder's goodkey), with the limits of the portal's
policy.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from itertools import combinations

from trust.pki.about import about
from trust.pki.certificates import CertificateFacts
from trust.pki.codes import finding
from trust.pki.findings import Finding
from trust.pki.known_weak import known_weakness

_RSA_SMALLEST, _RSA_LARGEST = 2048, 8192
_RSA_COMFORTABLE = 3072
_USUAL_EXPONENT = 65537
_CURVES = frozenset({"P-256", "P-384", "P-521"})
_UNCOMMON = frozenset({"Ed25519", "Ed448"})
_FERMAT_ROUNDS = 110
_RSA_KEYS_COMPARED = 40


def _primes_below(limit: int) -> list[int]:
    sieve = [True] * limit
    for number in range(2, math.isqrt(limit) + 1):
        if sieve[number]:
            sieve[number * number :: number] = [False] * len(sieve[number * number :: number])
    return [number for number in range(2, limit) if sieve[number]]


_SMALL_PRIMES = _primes_below(1000)
_SMALL_PRODUCT = math.prod(_SMALL_PRIMES)
# Keys of the faulty library have the form k * M + (65537 ** a mod M), where M is the product of the first
# primes. So modulo each of those primes they lie in the group that 65537 generates. A random key passes for
# all of them with a chance of about 2 ** -28 (CVE-2017-15361, "The Return of Coppersmith's Attack", 2.4).
_ROCA_GROUPS = {
    prime: frozenset(pow(_USUAL_EXPONENT, power, prime) for power in range(prime))
    for prime in _primes_below(168)
    if prime > 2
}


@cache
def blocked_keys() -> dict[str, str]:
    """Return where the private key was published, by lower-case hex SHA-256 of the SubjectPublicKeyInfo."""
    lines = files("trust.pki").joinpath("data/blocked_keys.txt").read_text(encoding="utf-8").splitlines()
    rows = (line.partition(" ") for line in lines if line and not line.startswith("#"))
    return {digest: origin for digest, _, origin in rows}


def check_key(one: CertificateFacts) -> Iterator[Finding]:
    """Yield what is wrong with the key of one certificate."""
    key = one.public_key
    if (origin := blocked_keys().get(one.spki_sha256)) is not None:
        yield about(one, "known_key", origin=origin)
    match key.algorithm:
        case "RSA":
            yield from _check_rsa(one)
        case "EC":
            yield from _check_curve(one)
        case algorithm if algorithm in _UNCOMMON:
            yield about(one, "key_type_uncommon", algorithm=algorithm)
        case _:
            yield about(one, "key_type_not_allowed", algorithm=str(key))


def _check_curve(one: CertificateFacts) -> Iterator[Finding]:
    key = one.public_key
    if key.explicit_curve:
        yield about(one, "explicit_curve")
    elif key.curve not in _CURVES:
        yield about(one, "curve_not_allowed", curve=key.curve)


def _check_rsa(one: CertificateFacts) -> Iterator[Finding]:
    key = one.public_key
    modulus, exponent, size = key.modulus or 0, key.exponent or 0, key.size or 0
    if (reason := _unsafe_rsa(modulus, exponent, size)) is not None:
        yield about(one, "weak_key", reason=reason)
        return
    if is_roca(modulus):
        yield about(one, "roca_key")
    elif has_close_primes(modulus):
        yield about(one, "close_primes")
    elif (reason := known_weakness(modulus, exponent)) is not None:
        yield about(one, "weak_key", reason=reason)
    if exponent != _USUAL_EXPONENT:
        shown = exponent if exponent < 2**64 else f"a number of {exponent.bit_length()} bits"
        yield about(one, "rsa_exponent", exponent=shown)
    if size < _RSA_COMFORTABLE:
        yield about(one, "rsa_2048")


def _unsafe_rsa(modulus: int, exponent: int, size: int) -> str | None:
    if size < _RSA_SMALLEST:
        return f"RSA with {size} bits, at least {_RSA_SMALLEST} are needed"
    # Size comes before all arithmetic: checks on a huge number are slow.
    if size > _RSA_LARGEST:
        return f"RSA with {size} bits, more than {_RSA_LARGEST} is a burden for every verifier"
    if exponent < 3 or exponent % 2 == 0:
        return f"the RSA exponent is {exponent}"
    if modulus % 2 == 0:
        return "the RSA modulus is even"
    if (factor := math.gcd(modulus, _SMALL_PRODUCT)) > 1:
        prime = next(prime for prime in _SMALL_PRIMES if factor % prime == 0)
        return f"the RSA modulus can be divided by {prime}"
    return None


def is_roca(modulus: int) -> bool:
    """Tell whether the modulus has the fingerprint of the faulty library (CVE-2017-15361)."""
    return all(modulus % prime in group for prime, group in _ROCA_GROUPS.items())


# A square leaves one of few remainders modulo these numbers: 19 of 20 candidates need no root (Cohen 1.7.2).
_SQUARE_FILTERS = {number: frozenset(root * root % number for root in range(number)) for number in (64, 63, 65, 11)}
_SQUARE_MODULUS = math.prod(_SQUARE_FILTERS)


def has_close_primes(modulus: int) -> bool:
    """Try Fermat's factoring a few rounds: enough if both primes share their upper half (CVE-2022-26320)."""
    middle = math.isqrt(modulus)
    middle += middle * middle < modulus
    rest = middle * middle - modulus
    for _ in range(_FERMAT_ROUNDS):
        if _is_square(rest):
            return True
        rest += 2 * middle + 1
        middle += 1
    return False


def _is_square(number: int) -> bool:
    remainder = number % _SQUARE_MODULUS
    if any(remainder % small not in squares for small, squares in _SQUARE_FILTERS.items()):
        return False
    return math.isqrt(number) ** 2 == number


def check_shared_primes(certificates: Iterable[CertificateFacts]) -> Iterator[Finding]:
    """Yield a finding for each RSA key of the set that shares a prime with another one of the set.

    Every pair is compared, so there is a limit on the number of keys, and a note when it is reached.
    """
    by_modulus = {one.public_key.modulus: one for one in certificates if one.public_key.modulus}
    if len(by_modulus) > _RSA_KEYS_COMPARED:
        yield finding("shared_prime_not_searched", count=len(by_modulus), limit=_RSA_KEYS_COMPARED)
        return
    shared = {
        modulus
        for pair in combinations(by_modulus, 2)
        if max(pair).bit_length() <= _RSA_LARGEST and math.gcd(*pair) > 1
        for modulus in pair
    }
    yield from (about(one, "shared_prime") for modulus, one in by_modulus.items() if modulus in shared)
