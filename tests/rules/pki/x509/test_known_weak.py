"""RSA keys that look like any other and are known to be weak."""

import random
from pathlib import Path

import certifi
import gmpy2
from badkeys.rsakeys import sharedprimes
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.makers import certificates as make
from tests.moments import EVERYTHING_VALID as NOW
from trust.pki.ca_rules import review
from trust.pki.certificate_set import CertificateSet
from trust.pki.known_weak import known_weakness

GOOD = make.rsa_key(2048).public_key().public_numbers()


def patterned_modulus() -> int:
    """A modulus whose primes have few bits in each 128, as a generator with too little randomness makes them."""
    numbers, primes = random.Random(7), []
    while len(primes) < 2:
        limbs = (
            [numbers.randrange(1, 2**12) | 1] + [numbers.randrange(1, 8) for _ in range(7)] + [numbers.randrange(1, 8)]
        )
        found = sum(limb << (128 * place) for place, limb in enumerate(limbs))
        if gmpy2.is_prime(found):
            primes.append(found)
    return primes[0] * primes[1]


def wieners_key() -> tuple[int, int]:
    """Modulus and exponent of a key with a private exponent of 200 bits."""
    private = make.rsa_key(2048).private_numbers()
    d = int(gmpy2.next_prime(2**200))
    return GOOD.n, int(gmpy2.invert(d, (private.p - 1) * (private.q - 1)))


class TestKnownWeakness:
    def test_is_none_for_a_good_key(self):
        assert known_weakness(GOOD.n, GOOD.e) is None

    def test_is_none_for_the_roots_of_the_public_web(self):
        loaded = x509.load_pem_x509_certificates(Path(certifi.where()).read_bytes())
        keys = [one.public_key() for one in loaded]
        numbers = [key.public_numbers() for key in keys if isinstance(key, rsa.RSAPublicKey)]

        assert len(numbers) > 50
        assert [one for one in numbers if known_weakness(one.n, one.e)] == []

    def test_is_a_prime_that_is_public(self, monkeypatch):
        monkeypatch.setitem(
            sharedprimes.__globals__["_moduli"], 2048, gmpy2.mpz(make.rsa_key(2048).private_numbers().p)
        )

        assert "prime" in known_weakness(GOOD.n, GOOD.e)

    def test_is_a_pattern_of_a_faulty_generator(self):
        assert "pattern" in known_weakness(patterned_modulus(), 65537)

    def test_is_a_small_private_exponent(self):
        assert "Wiener" in known_weakness(*wieners_key())

    def test_is_a_factor_beyond_those_that_are_divided_out_first(self):
        modulus = 1009 * int(gmpy2.next_prime(2**2040))

        assert "small prime" in known_weakness(modulus, 65537)


def test_a_ca_with_such_a_key_is_refused():
    public = rsa.RSAPublicNumbers(65537, patterned_modulus()).public_key()
    made = make.root(public_key=public, signing_key=make.rsa_key(2048))

    found = review(CertificateSet.of([made.facts]), now=NOW).findings

    assert "pattern of a faulty generator" in next(one.sentence for one in found if one.code == "weak_key")
