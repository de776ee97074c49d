"""A partner's web server for CRLs and its OCSP responder, on the loopback: real sockets, real lists, real answers.

with revocations.serving() as server:
    server.put("/root.crl", certificates.crl(root), etag='"1"')
    server.answer("/ocsp", revocations.Responder(issuer))
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from tests.makers import certificates as make
from tests.makers.certificates import Made
from tests.moments import EVERYTHING_VALID

HOUR = timedelta(hours=1)


@dataclass
class Document:
    """What lies at a path. ``manner`` is "" or a bad one: "endless", "hang", "redirect", "gzip", or a status like "503"."""

    content: bytes
    etag: str = ""
    last_modified: str = ""
    manner: str = ""


@dataclass
class Server:
    """A running server. ``asked`` holds (method, path, status) of every request that was answered."""

    port: int = 0
    documents: dict[str, Document] = field(default_factory=dict)
    answers: dict[str, Callable[[bytes], bytes]] = field(default_factory=dict)
    asked: list[tuple[str, str, int]] = field(default_factory=list)
    # Set when the block ends, so that whoever hangs lets go.
    over: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def put(self, path: str, content: bytes, **fields: str) -> None:
        self.documents[path] = Document(content, **fields)

    def answer(self, path: str, responder: Callable[[bytes], bytes]) -> None:
        self.answers[path] = responder

    def count(self, path: str, status: int | None = None) -> int:
        return sum(asked == path and (status is None or got == status) for _, asked, got in self.asked)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    ours: Server

    def do_GET(self) -> None:
        found = self.ours.documents.get(self.path)
        if found is None:
            return self._send(404, b"")
        match found.manner:
            case "":
                return self._plain(found)
            case "hang":
                self.ours.over.wait(30)
                self.close_connection = True
                return None
            case "endless":
                return self._endless()
            case "redirect":
                return self._send(302, b"", Location="http://169.254.169.254/latest/")
            case "gzip":
                return self._send(200, found.content, **{"Content-Encoding": "gzip"})
            case status:
                return self._send(int(status), b"as asked")

    def _plain(self, found: Document) -> None:
        validators = {"ETag": found.etag, "Last-Modified": found.last_modified}
        same_tag = found.etag and self.headers.get("If-None-Match") == found.etag
        same_time = found.last_modified and self.headers.get("If-Modified-Since") == found.last_modified
        if same_tag or same_time:
            return self._send(304, b"", **validators)
        return self._send(200, found.content, **validators)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._send(200, self.ours.answers[self.path](body), **{"Content-Type": "application/ocsp-response"})

    def _endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.ours.asked.append((self.command, self.path, 200))
        self.close_connection = True
        try:
            while not self.ours.over.is_set():
                self.wfile.write(b"0" * 65536)
        except OSError:
            pass

    def _send(self, status: int, body: bytes, **headers: str) -> None:
        self.ours.asked.append((self.command, self.path, status))
        self.send_response(status)
        for name, value in headers.items():
            if value:
                self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status != 304:
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[Server]:
    """Run a server until the block ends."""
    ours = Server()
    handler = type("Handler", (_Handler,), {"ours": ours})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    ours.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield ours
    finally:
        ours.over.set()
        server.shutdown()
        thread.join(5)
        server.server_close()


@dataclass
class Responder:
    """An OCSP responder for one CA. Everything is good and fresh unless a test says otherwise."""

    issuer: Made
    signer: Made | None = None  # a delegated responder; the CA itself if None
    revoked: dict[int, datetime] = field(default_factory=dict)
    unknown: bool = False
    about: Made | None = None  # answers about this one, whatever was asked
    this_update: datetime = EVERYTHING_VALID - HOUR
    next_update: datetime | None = EVERYTHING_VALID + 24 * HOUR
    status: ocsp.OCSPResponseStatus = ocsp.OCSPResponseStatus.SUCCESSFUL
    forged: bool = False  # somebody without the key changed what was signed
    asked: list[int] = field(default_factory=list)

    def __call__(self, body: bytes) -> bytes:
        request = ocsp.load_der_ocsp_request(body)
        self.asked.append(request.serial_number)
        if self.status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return ocsp.OCSPResponseBuilder.build_unsuccessful(self.status).public_bytes(Encoding.DER)
        serial = self.about.certificate.serial_number if self.about else request.serial_number
        revoked_at = self.revoked.get(serial)
        good = ocsp.OCSPCertStatus.UNKNOWN if self.unknown else ocsp.OCSPCertStatus.GOOD
        builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
            issuer_name_hash=request.issuer_name_hash,
            issuer_key_hash=request.issuer_key_hash,
            serial_number=serial,
            algorithm=request.hash_algorithm,
            cert_status=ocsp.OCSPCertStatus.REVOKED if revoked_at else good,
            this_update=self.this_update,
            next_update=self.next_update,
            revocation_time=revoked_at,
            revocation_reason=x509.ReasonFlags.key_compromise if revoked_at else None,
        )
        signer = self.signer or self.issuer
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer.certificate)
        if self.signer:
            builder = builder.certificates([self.signer.certificate])
        made = builder.sign(signer.key, hashes.SHA256())
        der, signature = made.public_bytes(Encoding.DER), made.signature
        return der.replace(signature, signature[:-1] + bytes([signature[-1] ^ 1])) if self.forged else der


def delegated(
    issuer: Made, *, purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.OCSP_SIGNING, **fields: Any
) -> Made:
    """Return a responder's certificate, issued by the CA."""
    usage = (x509.ExtendedKeyUsage([purpose]), False)
    valid = {
        "key": make.ec_key("OCSP responder"),
        "subject": "Alder OCSP",
        "lifetime": 30 * make.DAY,
        "ca": False,
        "key_usage": ("digital_signature",),
        "extensions": (usage,),
    }
    return make.make(issuer=issuer, **(valid | fields))


def crl_at(*urls: str) -> tuple[x509.ExtensionType, bool]:
    """Return the extension that names CRL addresses."""
    names = [x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None) for url in urls]
    return (x509.CRLDistributionPoints(names), False)


def ocsp_at(url: str) -> tuple[x509.ExtensionType, bool]:
    """Return the extension that names an OCSP responder."""
    place = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(url))
    return (x509.AuthorityInformationAccess([place]), False)


def hierarchy(server: Server, *, ocsp_path: str = "") -> make.Hierarchy:
    """Return a hierarchy whose certificates name the server: each the CRL of the CA above it."""
    root = make.root()
    more = (ocsp_at(server.url(ocsp_path)),) if ocsp_path else ()
    policy = make.policy_ca(root, extensions=(crl_at(server.url("/root.crl")), *more))
    issuing = make.issuing_ca(policy, extensions=(crl_at(server.url("/policy.crl")),))
    leaf = make.leaf(issuing)
    return make.Hierarchy(root, policy, issuing, leaf)


def publish_crls(server: Server, tiers: make.Hierarchy, **fields: Any) -> None:
    """Let the server serve fresh CRLs of root, policy and issuing CA."""
    for path, ca in (("/root.crl", tiers.root), ("/policy.crl", tiers.policy), ("/issuing.crl", tiers.issuing)):
        server.put(path, make.crl(ca, **fields))
