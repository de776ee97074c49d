"""A demonstration company's CA hierarchy: root, policy CA, issuing CA and a service's certificate, ECDSA P-256."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Issued:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        """Return the certificate as PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)


@dataclass(frozen=True)
class Hierarchy:
    """Three tiers of CAs and one service under them."""

    root: Issued
    policy: Issued
    issuing: Issued
    service: Issued

    @property
    def bundle(self) -> bytes:
        """Return the CA certificates as PEM, root first: what a partner needs, and no leaf."""
        return self.root.pem + self.policy.pem + self.issuing.pem

    def write(self, folder: Path) -> None:
        """Write the certificates, and the keys with mode 0600, with the file names of the guide."""
        names = {
            "root-ca": self.root,
            "policy-ca": self.policy,
            "issuing-ca": self.issuing,
            "service": self.service,
        }
        for name, issued in names.items():
            (folder / f"{name}-cert.pem").write_bytes(issued.pem)
            path = folder / f"{name}-key.pem"
            path.touch(mode=0o600)
            path.write_bytes(_private_pem(issued.key))
        (folder / "bundle.pem").write_bytes(self.bundle)


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _name(company: str, common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, company),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _issue(
    *,
    company: str,
    name: str,
    issuer: Issued | None,
    start: datetime,
    lifetime: timedelta,
    path_length: int | None,
    crl: str = "",
) -> Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(company, name)
    signer = issuer.key if issuer else key
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + lifetime)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if crl:
        builder = builder.add_extension(_crl_at(crl), critical=False)
    return Issued(builder.sign(signer, hashes.SHA256()), key)


def _crl_at(url: str) -> x509.CRLDistributionPoints:
    point = x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None)
    return x509.CRLDistributionPoints([point])


def _service(*, company: str, name: str, spiffe_id: str, issuer: Issued, start: datetime, crl: str) -> Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(company, name))
        .issuer_name(issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(True, False, False, False, False, False, False, False, False),
            critical=True,
        )
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
        )
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name), x509.UniformResourceIdentifier(spiffe_id)]),
            critical=False,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False)
        .add_extension(_crl_at(crl), critical=False)
    )
    return Issued(builder.sign(issuer.key, hashes.SHA256()), key)


def make(*, company: str, domain: str, lists_at: str, now: datetime) -> Hierarchy:
    """Return a new hierarchy of ``company`` that is valid from an hour before ``now``.

    Lifetimes are the guide's: root 20 years, policy CA 8, issuing CA 2, service 30 days. ``lists_at`` is the address below
    which its CRLs are.
    """
    start = now.replace(microsecond=0) - timedelta(hours=1)
    root = _issue(
        company=company, name=f"{company} Root CA G1", issuer=None, start=start, lifetime=20 * YEAR, path_length=2
    )
    policy = _issue(
        company=company,
        name=f"{company} Policy CA 1",
        issuer=root,
        start=start,
        lifetime=8 * YEAR,
        path_length=1,
        crl=f"{lists_at}/root-ca.crl",
    )
    issuing = _issue(
        company=company,
        name=f"{company} Issuing CA 2026-A",
        issuer=policy,
        start=start,
        lifetime=2 * YEAR,
        path_length=0,
        crl=f"{lists_at}/policy-ca.crl",
    )
    service = _service(
        company=company,
        name=f"payments.{domain}",
        spiffe_id=f"spiffe://{domain}/payments",
        issuer=issuing,
        start=start,
        crl=f"{lists_at}/issuing-ca.crl",
    )
    return Hierarchy(root, policy, issuing, service)
