"""NIST's PKITS, each path of it as a trust package: the CAs, their CRLs, and the end entity as the sample.

The suite asks a path validator; intake asks whether CAs should be trusted, and shows what would become of a sample. So they may
differ, and `WHY` says for each kind of test why they do.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cryptography_vectors
from cryptography import x509

from tests.makers.packages import zipped
from tests.vectors.x509 import NOW
from trust.pki.examination import Examination, examine
from trust.pki.findings import Severity
from trust.pki.forecast import check_samples
from trust.pki.openssl import verify

ROOT = Path(cryptography_vectors.__file__).parent / "x509" / "PKITS_data"

# What is said of nearly every path of the suite and so tells nothing about one of them: its certificates have no name that the
# rules of the public web would take, its CAs live for 20 years, and it has more than one certificate for some CAs on purpose.
EVERYWHERE = frozenset({"validators_disagree", "lifetime_too_long", "subject_reused", "key_reused", "crl_coverage"})

# Which tests the suite and intake see differently, by a pattern of their names, and why.
WHY = (
    (
        r"Invalid\w*(?:[Pp]olicy|Policies)\w*",
        "Certificate policies are not held against a set of wanted policies: the agreement's terms stand in for them.",
    ),
    (
        r"Invalid(?:BadCRLIssuerName|IDPwithindirectCRL|MissingCRL|WrongCRL|cRLIssuer)\w*",
        "The report says that no CRL of the package covers the CA; whether there must be one is for the agreement.",
    ),
    (r"ValidDSA\w*", "DSA keys are refused: no current library offers them in TLS."),
    (
        r"Valid(?:BasicSelfIssuedCRLSigningKey|SeparateCertificateandCRLKeys)\w*",
        "A certificate that may sign CRLs and nothing else is no CA, so it is refused as an anchor or intermediate.",
    ),
)


@dataclass(frozen=True, order=True)
class Verdict:
    """One line of the table."""

    name: str
    suite: str
    outcome: str
    openssl: str
    codes: str

    def line(self) -> str:
        return "\t".join((self.name, self.suite, self.outcome, self.openssl, self.codes, self.why() or ""))

    @property
    def warned(self) -> bool:
        """Whether somebody who reads the report learns that something is wrong with this path."""
        return self.outcome == "refused" or bool(set(self.codes.split()) - EVERYWHERE) or self.openssl == "rejects"

    @property
    def differs(self) -> bool:
        if self.suite == "valid":
            return self.outcome == "refused" or self.openssl == "rejects"
        return self.suite == "invalid" and not self.warned

    def why(self) -> str | None:
        """Return the reason for a difference; None where there is none, or where nobody wrote one down."""
        if not self.differs:
            return None
        return next((reason for pattern, reason in WHY if re.fullmatch(pattern, self.name)), None)


class Suite:
    """The certificates and CRLs of the suite, by the names of their files."""

    def __init__(self) -> None:
        self.certificates = {path.stem: path.read_bytes() for path in sorted((ROOT / "certs").glob("*.crt"))}
        self.crls = {path.stem: path.read_bytes() for path in sorted((ROOT / "crls").glob("*.crl"))}
        self._loaded = dict(self._readable())
        self._crl_issuers = {
            name: _fold(x509.load_der_x509_crl(der).issuer) for name, der in self.crls.items() if _loads(der)
        }

    def _readable(self) -> Iterator[tuple[str, x509.Certificate]]:
        """Two certificates inherit DSA parameters, which the library cannot read; as vectors they are read alone."""
        for name, der in self.certificates.items():
            try:
                yield name, x509.load_der_x509_certificate(der)
            except ValueError:
                continue

    def names(self) -> list[str]:
        return [name for name in self._loaded if name.endswith("EE")]

    def package(self, name: str) -> bytes:
        """Return a zip in the guide's layout with everything that may lie on the path of one end entity."""
        authorities, seen, waiting = [], set(), [_fold(self._loaded[name].issuer)]
        while waiting:
            wanted = waiting.pop()
            if wanted in seen:
                continue
            seen.add(wanted)
            for other, loaded in self._loaded.items():
                if not other.endswith("EE") and _fold(loaded.subject) == wanted:
                    authorities.append(other)
                    waiting.append(_fold(loaded.issuer))
        return zipped(
            [
                *((f"{each}.crt", self.certificates[each]) for each in authorities),
                *((f"crl/{each}.crl", self.crls[each]) for each, of in self._crl_issuers.items() if of in seen),
                (f"samples/{name}.crt", self.certificates[name]),
            ]
        )

    def verdict(self, name: str) -> Verdict:
        """Push one path through intake."""
        seen = examine(self.package(name), now=NOW)
        found = list(seen.findings)
        if not seen.refused:
            found += check_samples(seen.reading.samples, seen.reading.certificates, now=NOW)
        codes = sorted({each.code for each in found if each.severity is not Severity.NOTE})
        outcome = "refused" if seen.refused else "taken"
        return Verdict(name, _by_suite(name), outcome, _by_openssl(seen), " ".join(codes))


def _by_suite(name: str) -> str:
    """Tests of policies whose name says neither depend on the wanted policies."""
    return "valid" if name.startswith("Valid") else "invalid" if name.startswith("Invalid") else "depends"


def _by_openssl(seen: Examination) -> str:
    if seen.refused or not seen.reading.samples:
        return "-"
    said = verify(
        seen.reading.samples[0],
        anchors=seen.reading.certificates.anchors,
        untrusted=seen.reading.certificates.intermediates,
        at=NOW,
    )
    return "-" if said is None else "accepts" if said.accepts else "rejects"


def _fold(name: x509.Name) -> tuple[tuple[str, str], ...]:
    """A name as RFC 5280 7.1 compares it, near enough to find who may have issued whom."""
    return tuple((one.oid.dotted_string, " ".join(str(one.value).lower().split())) for one in name)


def _loads(der: bytes) -> bool:
    try:
        x509.load_der_x509_crl(der)
    except ValueError:
        return False
    return True
