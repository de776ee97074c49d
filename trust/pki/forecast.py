"""What the validators that consumers use will say about an offer, before anybody depends on it.

Where the program is at hand it is run, else a documented rule stands for it; each forecast says which it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from trust.pki import bounded, keytool, openssl
from trust.pki.about import about
from trust.pki.certificate_set import CertificateSet
from trust.pki.certificates import CertificateFacts
from trust.pki.chains import Chains
from trust.pki.crl import CrlFacts
from trust.pki.display import escape
from trust.pki.findings import Finding

_SHOWN_CHAINS = 3
_WEAK = frozenset({"md5", "sha1"})


@dataclass(frozen=True, slots=True)
class Forecast:
    """What one validator will say. `accepts` is None where it depends on how it is set up; `how` is "run" or "rule"."""

    validator: str
    accepts: bool | None
    sentence: str
    how: str


def forecast(
    certificates: CertificateSet,
    chains: Chains,
    *,
    crls: Sequence[CrlFacts] = (),
    samples: Sequence[CertificateFacts] = (),
    now: datetime,
) -> tuple[Forecast, ...]:
    """Return what validators will say of the chains below the anchors, or of the sample service certificates."""
    if not certificates.anchors:
        return ()
    targets = (list(samples) or _lowest(certificates, chains))[:_SHOWN_CHAINS]
    return (
        *_by_openssl(certificates, targets, now),
        _by_python(certificates),
        _by_go(certificates),
        _by_java(certificates),
        _by_nginx(certificates, chains, crls, now),
        _by_envoy(samples),
    )


def _lowest(certificates: CertificateSet, chains: Chains) -> list[CertificateFacts]:
    """The CAs that issued no other CA of the set: the ends of its chains."""
    parents = {parent for parents in chains.issuers.values() for parent in parents}
    return [one for one in certificates if one.sha256 not in parents]


_OPENSSL = (
    ("OpenSSL, as most programs use it", ()),
    ("OpenSSL with -x509_strict, as Python 3.13 and later use it", ("-x509_strict", "-partial_chain")),
)


def _by_openssl(certificates: CertificateSet, targets: Sequence[CertificateFacts], now: datetime) -> Iterator[Forecast]:
    for name, options in _OPENSSL:
        verdicts = [
            openssl.verify(
                one,
                anchors=certificates.anchors,
                untrusted=certificates.intermediates,
                at=now,
                options=options,
            )
            for one in targets
        ]
        if any(verdict is None for verdict in verdicts):
            yield (
                _strict_rule(name, certificates)
                if options
                else Forecast(name, None, "It could not be tried here.", "rule")
            )
            continue
        wrong = [verdict.words for verdict in verdicts if verdict is not None and not verdict.accepts]
        sentence = f"It rejects the chain: {'; '.join(dict.fromkeys(wrong))}." if wrong else "It accepts the chain."
        yield Forecast(f"{name} ({openssl.version()})", not wrong, sentence, "run")


def _strict_rule(name: str, certificates: CertificateSet) -> Forecast:
    loose = [one for one in certificates if one.is_ca and not one.basic_constraints_critical]
    if not loose:
        return Forecast(name, None, "It could not be tried here.", "rule")
    return Forecast(
        name, False, f"It rejects chains through {loose[0].subject}: basicConstraints is not critical.", "rule"
    )


def _by_python(certificates: CertificateSet) -> Forecast:
    """What a Python client loads. Whether it takes a chain is OpenSSL's answer: by default to 3.12, strict from 3.13."""
    anchors = list(certificates.anchors)
    loaded = bounded.load_with_ssl(anchors)
    if loaded is None:
        return Forecast("Python ssl", None, "It could not be tried here.", "rule")
    count, name = loaded
    if count == len(anchors):
        sentence = "It loads the anchor as a CA." if count == 1 else f"It loads all {count} anchors as CAs."
        return Forecast(f"Python ssl ({name})", True, sentence, "run")
    return Forecast(f"Python ssl ({name})", False, f"It loads {count} of {len(anchors)} anchors as CAs.", "run")


KEYTOOL = "Java keytool"


def by_keytool(anchors: Sequence[CertificateFacts]) -> Forecast | None:
    """Let Java's keytool import the anchors; None where it is not installed or does not answer. Takes seconds: see `keytool`."""
    taken = keytool.take(anchors)
    if taken is None:
        return None
    name = f"{KEYTOOL} ({keytool.version()})"
    left = f", of {len(anchors)} in all" if taken.tried < len(anchors) else ""
    if taken.entries == taken.tried:
        many = "the anchor" if taken.tried == 1 else f"{taken.tried} anchors"
        entries = "1 entry" if taken.entries == 1 else f"{taken.entries} entries"
        return Forecast(name, True, f"It imports {many}{left}; its trust store has {entries} then.", "run")
    why = f" It says: {taken.words}." if taken.words else ""
    return Forecast(name, False, f"It takes {taken.entries} of {taken.tried} anchors{left}.{why}", "run")


def _by_go(certificates: CertificateSet) -> Forecast:
    weak = [one for one in certificates.intermediates if one.signature_digest in _WEAK]
    if weak:
        return Forecast("Go crypto/x509", False, f"It rejects {weak[0].signature_digest} on {weak[0].subject}.", "rule")
    sentence = "It accepts the chain, and would take an intermediate as an anchor too."
    return Forecast("Go crypto/x509", True, sentence, "rule")


def _by_java(certificates: CertificateSet) -> Forecast:
    """jdk.certpath.disabledAlgorithms of Java 17 and later."""
    weak = [
        one
        for one in certificates
        if (one.signature_digest in _WEAK and not one.is_root)
        or (one.public_key.algorithm == "RSA" and (one.public_key.size or 0) < 2048)
    ]
    if weak:
        return Forecast("Java 17 PKIX", False, f"It rejects {weak[0].subject} as too weak.", "rule")
    return Forecast(
        "Java 17 PKIX", True, "It accepts the chain, if the store it reads is not empty: count its entries.", "rule"
    )


def _by_nginx(certificates: CertificateSet, chains: Chains, crls: Sequence[CrlFacts], now: datetime) -> Forecast:
    between = _intermediates_in_longest(certificates, chains)
    fresh = {crl.issuer.der for crl in crls if crl.next_update is not None and crl.next_update > now}
    missing = [one for one in certificates if one.is_ca and one.subject.der not in fresh]
    said = (
        f"Set ssl_verify_depth to {between} or more; the default is 1."
        if between > 1
        else "ssl_verify_depth is enough."
    )
    if crls and missing:
        said += (
            f" With ssl_crl it rejects every client: there is no fresh CRL of {missing[0].subject}, "
            "and it needs one of each CA in the chain."
        )
        return Forecast("nginx with ssl_verify_client", False, said, "rule")
    if not crls:
        said += " With ssl_crl it needs a fresh CRL of each CA in the chain; the package has none."
    return Forecast("nginx with ssl_verify_client", None if between > 1 or not crls else True, said, "rule")


def _intermediates_in_longest(certificates: CertificateSet, chains: Chains) -> int:
    """Count the CAs between a root and a service certificate on the longest of the shortest paths."""
    children: dict[str, list[str]] = {}
    for child, parents in chains.issuers.items():
        for parent in parents:
            children.setdefault(parent, []).append(child)
    level = {one.sha256 for one in certificates.anchors}
    seen, depth = set(level), 0
    while level := {child for one in level for child in children.get(one, ())} - seen:
        seen |= level
        depth += 1
    return depth


def _by_envoy(samples: Sequence[CertificateFacts]) -> Forecast:
    name = "Envoy with SPIFFE validation"
    if not samples:
        return Forecast(
            name, None, "It looks at the SPIFFE ID of service certificates only; the package has no sample.", "rule"
        )
    without = [one for one in samples if sum("URI:spiffe://" in each for each in one.alternative_names) != 1]
    if without:
        return Forecast(name, False, f"It rejects {without[0].subject}: it has not exactly one SPIFFE ID.", "rule")
    return Forecast(name, True, "It accepts the samples, within the trust domain of this store.", "rule")


def check_samples(
    samples: Sequence[CertificateFacts], certificates: CertificateSet, *, now: datetime
) -> Iterator[Finding]:
    """Verify sample service certificates as client and as server, by two libraries; a disagreement is a finding."""
    for one in samples[:_SHOWN_CHAINS]:
        if one.is_ca:
            yield about(one, "sample_is_ca")
            continue
        for purpose, flag in (("client", "sslclient"), ("server", "sslserver")):
            yield from _check_sample(one, certificates, purpose, flag, now)


def _check_sample(
    one: CertificateFacts, certificates: CertificateSet, purpose: str, flag: str, now: datetime
) -> Iterator[Finding]:
    if one.extended_key_usage and f"{purpose}Auth" not in one.extended_key_usage:
        return
    ours = _by_cryptography(one, certificates, purpose, now)
    theirs = openssl.verify(
        one,
        anchors=certificates.anchors,
        untrusted=certificates.intermediates,
        at=now,
        options=("-purpose", flag),
    )
    if theirs is not None and theirs.accepts is not (ours is None):
        words = ours or theirs.words
        yield about(one, "validators_disagree", purpose=purpose, words=words)
    elif ours is not None:
        yield about(one, "sample_rejected", purpose=purpose, words=ours)


def _by_cryptography(one: CertificateFacts, certificates: CertificateSet, purpose: str, now: datetime) -> str | None:
    """Return why the library rejects the chain, None when it accepts. Only the client's rules ask for no name."""
    builder = PolicyBuilder().store(Store([each.load() for each in certificates.anchors])).time(now)
    between = [each.load() for each in certificates.intermediates]
    try:
        if purpose == "client":
            builder.build_client_verifier().verify(one.load(), between)
        elif (name := _server_name(one)) is not None:
            from cryptography.x509 import DNSName

            builder.build_server_verifier(DNSName(name)).verify(one.load(), between)
    except (VerificationError, ValueError) as error:
        return escape(str(error).split("\n", 1)[0], limit=200)
    return None


def _server_name(one: CertificateFacts) -> str | None:
    return next((each.removeprefix("DNS:") for each in one.alternative_names if each.startswith("DNS:")), None)
