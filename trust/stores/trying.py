"""How two independent verifiers judge a chain against anchors: pyca/cryptography's, and OpenSSL's, which most services use."""

import hashlib
import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from django.conf import settings

from trust.pki.certificates import read_certificate

CLIENT, SERVER = "clientAuth", "serverAuth"
USES = (CLIENT, SERVER)
_PURPOSES = {CLIENT: "sslclient", SERVER: "sslserver"}
_TIMEOUT = 10  # seconds
_STEP = re.compile(r"^depth=\d+: (.*?)( \(untrusted\))?$", re.MULTILINE)
_OPENSSL_REASON = re.compile(r"error (\d+) at (\d+) depth lookup: ?(.+)")


@dataclass(frozen=True)
class Reading:
    """What one verifier says about a chain for one use.

    ``certificate`` is the DER of the one that decides: the anchor that was reached, or the one at which it stopped; nothing where
    that cannot be told.
    """

    verifier: str
    use: str
    accepted: bool
    reason: str
    certificate: bytes = b""

    @property
    def decided_by(self) -> str:
        """Return the SHA-256 of that certificate in lower-case hex, or nothing."""
        return hashlib.sha256(self.certificate).hexdigest() if self.certificate else ""

    @property
    def name(self) -> str:
        """Return the common name of that certificate with the first of its digest, escaped; nothing where it is not told."""
        if not self.certificate:
            return ""
        subject = read_certificate(self.certificate).subject
        return f"{subject.common_name or subject} ({self.decided_by[:8].upper()})"


def readings(
    chain: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    below: Sequence[x509.Certificate],
    at: datetime,
    uses: Sequence[str] = USES,
) -> list[Reading]:
    """Return what each verifier says for each of ``uses``. ``chain`` is the service's own certificate first.

    ``below`` are the intermediates that the store hands out with its anchors. Raises OSError when openssl is missing.
    """
    helpers = [*chain[1:], *below]
    return [reader(chain[0], helpers, anchors, use, at) for use in uses for reader in (_by_cryptography, _by_openssl)]


def _by_cryptography(
    leaf: x509.Certificate,
    helpers: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    use: str,
    at: datetime,
) -> Reading:
    if not anchors:
        return Reading("cryptography", use, False, "The store holds no anchor.")
    builder = PolicyBuilder().store(Store(list(anchors))).time(at)
    try:
        if use == CLIENT:
            path = builder.build_client_verifier().verify(leaf, list(helpers)).chain
        else:
            name = _first_name(leaf)
            if name is None:
                return Reading("cryptography", use, False, "The certificate names no server.")
            path = builder.build_server_verifier(name).verify(leaf, list(helpers))
    except (VerificationError, ValueError, x509.UnsupportedGeneralNameType) as error:
        return Reading("cryptography", use, False, str(error)[:300] or "It does not verify.")
    return Reading("cryptography", use, True, "", path[-1].public_bytes(Encoding.DER))


def _first_name(leaf: x509.Certificate) -> x509.DNSName | None:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return None
    found = names.get_values_for_type(x509.DNSName)
    return x509.DNSName(found[0].replace("*", "any", 1)) if found else None


def _by_openssl(
    leaf: x509.Certificate,
    helpers: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    use: str,
    at: datetime,
) -> Reading:
    with tempfile.TemporaryDirectory(prefix="chain-") as folder:
        files = {"leaf": [leaf], "helpers": helpers, "anchors": anchors}
        for name, certificates in files.items():
            content = b"".join(each.public_bytes(Encoding.PEM) for each in certificates)
            (Path(folder) / name).write_bytes(content)
        command = [
            settings.OPENSSL_BINARY, "verify", "-no-CApath", "-no-CAstore", "-CAfile", "anchors",
            "-show_chain", "-nameopt", "RFC2253,oid,-esc_msb,utf8,-dump_unknown",
            "-purpose", _PURPOSES[use], "-attime", str(int(at.timestamp())),
        ]  # fmt: skip
        if helpers:
            command += ["-untrusted", "helpers"]
        try:
            done = subprocess.run(
                [*command, "leaf"],
                cwd=folder,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=_TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Reading("openssl", use, False, f"It takes more than {_TIMEOUT} seconds.")
    if done.returncode == 0:
        return Reading("openssl", use, True, "", _anchor_of(done.stdout, leaf, helpers, anchors))
    said = _OPENSSL_REASON.search(done.stderr + done.stdout)
    if said is None:
        return Reading("openssl", use, False, "It fails.")
    return Reading(
        "openssl",
        use,
        False,
        f"{said[3].strip()} (error {said[1]}, depth {said[2]})",
        _at_depth(leaf, [*helpers, *anchors], int(said[2])),
    )


def _anchor_of(
    said: str, leaf: x509.Certificate, helpers: Sequence[x509.Certificate], anchors: Sequence[x509.Certificate]
) -> bytes:
    """Return the anchor at the end of the chain that OpenSSL printed, as names; nothing where two have one."""
    steps = [(name, bool(untrusted)) for name, untrusted in _STEP.findall(said)]
    here, signed = {leaf}, dict[tuple[x509.Certificate, x509.Certificate], bool]()

    def is_issuer(above: x509.Certificate, below: x509.Certificate) -> bool:
        if (above, below) not in signed:
            signed[above, below] = above.subject == below.issuer and _signed(above, below)
        return signed[above, below]

    # The leaf itself may be an anchor: then there is no step above it.
    if len(steps) == 1 and not steps[0][1]:
        return leaf.public_bytes(Encoding.DER)
    for name, untrusted in steps[1:]:
        pool = helpers if untrusted else anchors
        here = {each for each in pool if any(is_issuer(each, below) for below in here)}
        # Written in another way than OpenSSL's, a name tells nothing, and what issued the one below is still known.
        here = {each for each in here if _printed(each.subject) == name} or here
    return here.pop().public_bytes(Encoding.DER) if len(here) == 1 and len(steps) > 1 else b""


def _printed(name: x509.Name) -> str:
    """Return a name as the options above have OpenSSL print it: RFC 4514, with types as numbers."""
    return name.rfc4514_string({each.oid: each.oid.dotted_string for each in name})


def _signed(above: x509.Certificate, below: x509.Certificate) -> bool:
    try:
        below.verify_directly_issued_by(above)
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True


def _at_depth(leaf: x509.Certificate, others: Sequence[x509.Certificate], depth: int) -> bytes:
    """Return the certificate that stands ``depth`` steps above the leaf, as OpenSSL counts; nothing where the way is not plain."""
    here = leaf
    for _ in range(depth):
        above = {each for each in others if each.subject == here.issuer and each != here}
        if len(above) != 1:
            return b""
        here = above.pop()
    return here.public_bytes(Encoding.DER)
