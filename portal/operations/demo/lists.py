"""The CRLs of the demonstration's CAs, published as companies do: over plain HTTP, so that the portal really fetches them.

``python -m portal.operations.demo.lists FOLDER PORT`` answers on loopback only. Every answer is signed anew with the CA's own
key, which the demonstration keeps below FOLDER/<company>, and so never gets stale however long the demonstration runs.
"""

import re
import socket
import sys
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

ADDRESS = "127.0.0.1"
_PATH = re.compile(r"/([a-z0-9-]{1,40})/((?:root|policy|issuing)-ca)\.crl")
_LIFE = timedelta(hours=24)


def port_in(folder: Path) -> int | None:
    """Return the port that this demonstration's certificates name, None when they name none."""
    path = folder / "crl-port"
    return int(path.read_text(encoding="ascii")) if path.exists() else None


def choose_port(folder: Path) -> int:
    """Return the port of this demonstration, chosen and written down at the first call."""
    if (known := port_in(folder)) is not None:
        return known
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        port = int(probe.getsockname()[1])
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "crl-port").write_text(str(port), encoding="ascii")
    return port


def address_of(folder: Path, company: str, domain: str) -> str:
    """Return where a company's CRLs are: here, or, when nothing answers here, at its own name, which nobody has."""
    port = port_in(folder)
    return f"http://{ADDRESS}:{port}/{company}" if port is not None else f"http://crl.{domain}"


def signed_list(folder: Path, ca: str, now: datetime) -> bytes:
    """Return the DER of the CA's CRL as of ``now``: nothing is revoked, and its number grows with time (RFC 5280 5.2.3)."""
    certificate = x509.load_pem_x509_certificate((folder / f"{ca}-cert.pem").read_bytes())
    key = cast("ec.EllipticCurvePrivateKey", load_pem_private_key((folder / f"{ca}-key.pem").read_bytes(), None))
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(certificate.subject)
        .last_update(now - timedelta(minutes=5))
        .next_update(now + _LIFE)
        .add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


class _Door(BaseHTTPRequestHandler):
    folder: Path

    def do_GET(self) -> None:
        found = _PATH.fullmatch(self.path)
        place = self.folder / found[1] if found else None
        if found is None or place is None or not (place / f"{found[2]}-key.pem").exists():
            self.send_error(404)
            return
        content = signed_list(place, found[2], datetime.now(UTC).replace(microsecond=0))
        self.send_response(200)
        self.send_header("Content-Type", "application/pkix-crl")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing: the portal's own log tells what it fetched."""


def main(folder: str, port: str) -> None:
    """Answer until killed."""
    door = type("Door", (_Door,), {"folder": Path(folder)})
    ThreadingHTTPServer((ADDRESS, int(port)), door).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:3])
