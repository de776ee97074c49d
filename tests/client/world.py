"""What a consumer meets: repositories that the portal really made and signed, behind a server that can lie in every way."""

import contextlib
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from django.db import transaction
from django.utils import timezone
from tuf.api.metadata import Metadata, Targets

from portal import sealing
from tests.cast import Cast, make_company, make_partnership
from tests.makers import openpgp
from tests.makers import stores as make
from trust.keys.models import OpenPgpKey
from trust.stores import compositions, publishing, services
from trust.stores.models import Artifact, StoreVersion, TrustStore
from trust.stores.tuf import root_files, rules
from trust.stores.tuf import services as tuf
from trust.stores.tuf.models import TufMetadata, TufRepository, TufTarget
from trust.submissions.models import Submission
from trust.verifications.models import ItemKind

STORE = "alder-prod"
TOKEN = "txc_0123456789abcdef0123456789abcdef"
BASE = f"/api/v1/trust-stores/{STORE}"
Files = dict[str, bytes]


@dataclass(frozen=True)
class World:
    """States of one store's repository, as the files that a portal serves. ``holder`` has the partner's key."""

    holder: openpgp.OpenPgpHolder
    root: bytes
    states: dict[str, Files]
    now: datetime
    keys: dict[str, str]  # role -> private key as PEM, for those who stole it


def build() -> World:
    """Return every state that tests ask for, made by the portal's own services in a transaction that is taken back."""
    with transaction.atomic():
        now = timezone.now()
        alder, birch, cedar = (make_company(name) for name in ("Alder", "Birch", "Cedar"))
        cast = Cast(
            alder=alder, birch=birch, cedar=cedar, partnership=make_partnership(alder, birch), olga=birch.admin.user
        )
        holder = openpgp.make_holder("Alder")
        states: dict[str, Files] = {}
        with branch():
            publish(cast, holder, "clearsigned", *make.whole(), now=now, clearsigned=True)
            states["clearsigned"] = served()
        tiers = make.hierarchy()
        publish(cast, holder, "whole", tiers.root, tiers.policy, tiers.issuing, now=now)
        root = bytes(TufMetadata.objects.get(role="root", version=1).content)
        states["v1"] = served()
        keys = json.loads(sealing.unseal(TufRepository.objects.get().sealed_keys))
        (keys["root"],) = root_files.local_keys()
        with branch():
            add_branches(cast, holder, states, now)
        withdraw(cast, [tiers.issuing.sha256], now)
        states["v2"] = served()
        with branch():
            tuf.replace_online_keys(store=TrustStore.objects.get(), now=now)
            states["v2 rotated"] = served()
        with branch():
            withdraw(cast, [tiers.root.sha256, tiers.policy.sha256], now, empty=True)
            states["withdrawn"] = served()
        transaction.set_rollback(True)
    return World(holder=holder, root=root, states=states, now=now, keys=keys)


def add_branches(cast: Cast, holder: openpgp.OpenPgpHolder, states: dict[str, Files], now: datetime) -> None:
    """Add what a portal can do that was broken into: it holds the online keys and the whole database."""
    evil = make.hierarchy("Mallory").root
    mallory = openpgp.make_holder("Mallory")
    with branch():
        publish(cast, mallory, "evil", evil, now=now)
        states["other signer"] = served()
    with branch():
        publish(cast, mallory, "evil", evil, now=now)
        original = Submission.objects.get(number=1).content_sha256

        def lie(targets: Targets) -> None:
            for each in targets.unrecognized_fields["x-trust-store"]["certificates"]:
                each["submission_sha256"] = original

        resign(lie)
        states["lies about origin"] = served()
    with branch():
        expired = openpgp.expired_holder()
        publish(cast, expired, "old key", make.hierarchy("Olden").root, now=now, at="20250105T000000")
        states["expired key"] = served()
        states["expired key"]["fingerprint"] = expired.fingerprint.encode()
    with branch():
        resign(lambda targets: targets.unrecognized_fields["x-trust-store"].update(certificates=[]))
        states["empty list"] = served()
    with branch():
        resign(lambda targets: targets.unrecognized_fields["x-trust-store"].update(store="birch-prod"))
        states["wrong store"] = served()
    with branch():
        resign(lambda targets: targets.unrecognized_fields["x-trust-store"].update(version=0))
        states["lower version"] = served()
    with branch():
        replace_artifact(b"")
        states["empty file"] = served()
    with branch():
        replace_artifact(states["v1"][f"{BASE}/current.pem"][:-200])
        states["cut off"] = served()
    with branch():
        publish(cast, holder, "other name", *make.whole("Other"), now=now)
        states["v2 more"] = served()


@contextlib.contextmanager
def branch() -> Iterator[None]:
    """Go one way from here, and come back."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def publish(
    cast: Cast,
    holder: openpgp.OpenPgpHolder,
    name: str,
    *made,
    now: datetime,
    clearsigned: bool = False,
    at: str | None = None,
) -> StoreVersion:
    """Publish the next version with certificates that ``holder`` really signed."""
    if not OpenPgpKey.objects.filter(fingerprint=holder.fingerprint).exists():
        OpenPgpKey.objects.filter(organization=cast.alder.organization).update(state="replaced")
        OpenPgpKey.objects.create(
            organization=cast.alder.organization,
            fingerprint=holder.fingerprint,
            version=4,
            algorithm="Ed25519",
            block=holder.public_block().decode(),
            state=OpenPgpKey.State.PROVEN,
            key_created_at=now,
            created_at=now,
        )
    accepted = make.submission(cast, *made)
    content = bytes(accepted.content)
    if clearsigned:
        accepted.content, accepted.signature = holder.clearsign(content, at=at), b""
        accepted.content_sha256 = hashlib.sha256(accepted.content).hexdigest()
    else:
        accepted.signature = holder.sign_detached(content, at=at)
    accepted.signer_fingerprint = holder.fingerprint
    make.verified(cast, ItemKind.OPENPGP_KEY, holder.fingerprint)
    accepted.save()
    store = publishing.lock(compositions.store_for(accepted, now))
    places = list(accepted.places.select_related("certificate"))
    composition = compositions.of_submission(store, accepted, places, now)
    return publishing.publish(
        store=store,
        composition=composition,
        kind=StoreVersion.Kind.SUBMISSION,
        actor=cast.birch.officer.actor,
        now=now,
        reason=name,
        first_people=[cast.birch.verifier.user],
        submission=accepted,
    )


def withdraw(cast: Cast, digests: list[str], now: datetime, *, empty: bool = False) -> None:
    """Publish a version without some certificates."""
    services.withdraw_certificates(
        store=TrustStore.objects.get(),
        certificates=digests,
        actor=cast.birch.officer.actor,
        now=now,
        reason="Compromised.",
        empty_store=empty,
    )


def resign(change: Callable[[Targets], object]) -> None:
    """Sign other targets with the real online keys, as who broke into the portal can."""
    repository, now = TufRepository.objects.get(), timezone.now()
    held = repository.metadata.get(role=rules.TARGETS, version=repository.targets_version)
    targets = Metadata[Targets].from_bytes(bytes(held.content)).signed
    targets.version += 1
    change(targets)
    tuf._sign_targets(repository, targets)
    tuf._sign_snapshot(repository, now)
    tuf._sign_timestamp(repository, now)
    repository.save()


def replace_artifact(content: bytes) -> None:
    """Offer other bytes as the store's PEM, signed."""

    def change(targets: Targets) -> None:
        target = targets.targets[f"{STORE}.pem"]
        target.length, target.hashes = len(content), {"sha256": hashlib.sha256(content).hexdigest()}

    resign(change)
    Artifact.objects.filter(format="pem").update(content=content, sha256=hashlib.sha256(content).hexdigest())


def served() -> Files:
    """Return every file that the portal serves now, by path."""
    files = {
        f"{BASE}/tuf/metadata/{'' if row.role == 'timestamp' else f'{row.version}.'}{row.role}.json": bytes(row.content)
        for row in TufMetadata.objects.filter(served=True)
    }
    for row in Artifact.objects.select_related("version").order_by("version__number"):
        files[f"{BASE}/tuf/targets/{row.sha256}.{STORE}.{row.format}"] = bytes(row.content)
        files[f"{BASE}/current.{row.format}"] = bytes(row.content)
    for target in TufTarget.objects.all():
        folder, _, name = target.path.rpartition("/")
        files[f"{BASE}/tuf/targets/{folder}/{target.sha256}.{name}"] = bytes(target.content)
    return files


@dataclass
class Portal:
    """A server that serves ``files`` to whoever has the token. Tests change what it does while it runs."""

    files: Files = field(default_factory=dict)
    token: str = TOKEN
    asked: list[tuple[str, int]] = field(default_factory=list)
    reports: list[bytes] = field(default_factory=list)
    endless: str = ""  # the end of paths that never end
    dripping: str = ""  # the end of paths that come a byte at a time
    stalling: str = ""  # the end of paths of which a header takes eight seconds
    cutting: str = ""  # the end of paths of which half an answer comes
    holding: str = ""  # the end of paths of which the answer is held back, as with Prefer: wait
    held: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)
    sent: int = 0  # bytes of the answers to reports that never end
    redirect: str = ""
    encoding: str = ""  # what Content-Encoding says

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path = request.path
        status, body = 200, self.files.get(path)
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            status, body = 401, b"{}"
        elif self.redirect:
            status, body = 302, b""
        elif body is None:
            status, body = 404, b"{}"
        tag = f'"{hashlib.sha256(body).hexdigest()}"'
        if status == 200 and request.headers.get("If-None-Match") == tag:
            status, body = 304, b""
        self.asked.append((path, status))
        request.send_response(status)
        if self.holding and path.endswith(self.holding):
            self.held.set()
            self.let_go.wait(120)
        if self.stalling and path.endswith(self.stalling):
            with contextlib.suppress(OSError):
                for _ in range(80):
                    request.wfile.write(b"X")
                    time.sleep(0.1)
            request.close_connection = True
            return
        if self.redirect:
            request.send_header("Location", self.redirect)
        if self.encoding:
            request.send_header("Content-Encoding", self.encoding)
        never = bool(self.endless and path.endswith(self.endless))
        request.send_header("Content-Length", str(10**9 if never else len(body)))
        request.send_header("ETag", tag)
        request.end_headers()
        with contextlib.suppress(OSError):
            if never:
                while True:
                    request.wfile.write(b" " * 65536)
            elif self.dripping and path.endswith(self.dripping):
                for byte in body:
                    request.wfile.write(bytes([byte]))
                    request.wfile.flush()
                    time.sleep(0.02)
            elif self.cutting and path.endswith(self.cutting):
                request.wfile.write(body[: len(body) // 2])
                request.close_connection = True
            else:
                request.wfile.write(body)

    def go_on(self, request: BaseHTTPRequestHandler) -> None:
        """Answer with more than anybody should read."""
        request.send_response(200)
        request.send_header("Content-Length", str(10**9))
        request.end_headers()
        with contextlib.suppress(OSError):
            while self.sent < 64 * 1024 * 1024:
                self.sent += request.wfile.write(b" " * 65536)

    @contextlib.contextmanager
    def running(self) -> Iterator["Portal"]:
        portal = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                portal.answer(self)

            def do_POST(self) -> None:
                portal.reports.append(self.rfile.read(int(self.headers["Content-Length"])))
                if portal.endless and self.path.endswith(portal.endless):
                    portal.go_on(self)
                    return
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.let_go.set()
            self.server.shutdown()
            self.server.server_close()
            thread.join(5)
