"""The test kit, really run against mutual TLS servers, and what its result counts for."""

import contextlib
import io
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from portal import errors
from tests.makers import certificates as make
from tests.makers import stores
from tests.makers.onboarding import ready
from tests.makers.revocations import Responder
from trust.onboarding import kit, queries
from trust.onboarding.board_rules import Status
from trust.onboarding.kit_rules import TESTS
from trust.onboarding.models import KitResult

pytestmark = [pytest.mark.django_db, pytest.mark.enable_socket]


def server_leaf(tiers):
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    return make.leaf(tiers.issuing, "localhost", extensions=((names, False), (usage, False)))


@pytest.fixture
def unpacked(cast, tmp_path):
    ready(cast)
    with zipfile.ZipFile(io.BytesIO(kit.build(cast.partnership, cast.alder.organization))) as archive:
        archive.extractall(tmp_path)
    return next(tmp_path.iterdir())


@pytest.fixture
def serve(tmp_path):
    """Start ``openssl s_server`` as Alder's endpoint; return its port."""
    started = []

    def start(*arguments, leaf=None, chain=True):
        tiers = stores.hierarchy("Alder")
        leaf = leaf or server_leaf(tiers)
        (tmp_path / "server.pem").write_bytes(leaf.pem)
        (tmp_path / "server.key").write_bytes(leaf.key_pem())
        (tmp_path / "chain.pem").write_bytes(tiers.issuing.pem + tiers.policy.pem)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-www", "-quiet"]
        command += ["-cert", str(tmp_path / "server.pem"), "-key", str(tmp_path / "server.key")]
        command += ["-cert_chain", str(tmp_path / "chain.pem")] if chain else []
        started.append(subprocess.Popen([*command, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return port
            time.sleep(0.05)
        raise AssertionError("openssl s_server does not listen")

    yield start
    for each in started:
        each.kill()
        each.wait()


def started(folder, port, cwd=None, **environment):
    return subprocess.run(
        ["bash", str(folder / "run.sh"), f"localhost:{port}"],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        cwd=cwd,
        env={**os.environ, **environment},
    )


def run(folder, port, **environment):
    started(folder, port, **environment)
    content = (folder / "results.json").read_bytes()
    return content, {each["test"]: each["outcome"] for each in json.loads(content)["results"]}


@contextlib.contextmanager
def careless(folder, status=200, **settings):
    """A server that asks nobody for a certificate, and whose application answers ``status``; gives its port."""

    class Answering(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_response(status)
            self.send_header("X-Alert", "log in first")
            self.end_headers()

        def log_message(self, *_):
            pass

    tiers = stores.hierarchy("Alder")
    leaf = server_leaf(tiers)
    (folder / "both.pem").write_bytes(leaf.pem + tiers.issuing.pem + tiers.policy.pem + leaf.key_pem())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    if "ciphers" in settings:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(settings["ciphers"])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()


def demanding(folder):
    return ["-Verify", "3", "-verify_return_error", "-CAfile", str(folder / "partner-store.pem")]


class TestTheKit:
    def test_has_equal_bytes_for_equal_contents(self, cast):
        ready(cast)

        assert kit.build(cast.partnership, cast.alder.organization) == kit.build(
            cast.partnership, cast.alder.organization
        )

    def test_passes_a_good_endpoint_and_counts_as_evidence(self, cast, now, unpacked, serve, tmp_path):
        client = make.leaf(stores.hierarchy("Birch").issuing, "client")
        (tmp_path / "client.pem").write_bytes(client.pem + stores.hierarchy("Birch").issuing.pem)
        (tmp_path / "client.key").write_bytes(client.key_pem())
        port = serve(*demanding(unpacked))

        content, outcomes = run(
            unpacked, port, CLIENT_CERT=str(tmp_path / "client.pem"), CLIENT_KEY=str(tmp_path / "client.key")
        )

        assert [test for test, outcome in outcomes.items() if outcome == "failed"] == []
        assert outcomes["good_client"] == "passed"
        assert outcomes["announced_cas"] == "passed"
        made = kit.hand_in(actor=cast.alder.verifier.actor, partnership=cast.partnership, content=content, now=now)
        assert made.passed == made.count == len(TESTS) - 1  # this server staples nothing
        assert made.store_version == 1
        assert queries.board(cast.partnership, now).line("test_kit").cell("alder").status is Status.COMPLETED

    def test_finds_a_server_that_does_not_ask_for_certificates(self, unpacked, tmp_path):
        with careless(tmp_path) as port:
            _, outcomes = run(unpacked, port)

        assert outcomes["no_client"] == "failed"
        assert outcomes["untrusted_client"] == "failed"

    def test_finds_a_server_that_sends_no_intermediates(self, unpacked, serve):
        _, outcomes = run(unpacked, serve(*demanding(unpacked), chain=False))

        assert outcomes["server_chain"] == "failed"
        assert outcomes["complete_chain"] == "failed"

    def test_finds_a_certificate_for_another_name(self, unpacked, serve):
        _, outcomes = run(unpacked, serve(*demanding(unpacked), leaf=stores.hierarchy("Alder").leaf))

        assert outcomes["server_name"] == "failed"

    def test_finds_a_certificate_of_another_ca(self, unpacked, serve):
        leaf = server_leaf(stores.hierarchy("Cedar"))

        _, outcomes = run(unpacked, serve(*demanding(unpacked), leaf=leaf))

        assert outcomes["server_chain"] == "failed"

    @pytest.mark.parametrize("version", ["tls1", "tls1_1"])
    def test_finds_a_server_that_takes_up_an_old_protocol(self, unpacked, serve, version):
        old = ["-cipher", "DEFAULT@SECLEVEL=0", f"-{version}"]

        _, outcomes = run(unpacked, serve(*demanding(unpacked), *old))

        assert outcomes["protocol"] == "failed"

    def test_finds_a_weak_cipher(self, unpacked, tmp_path):
        with careless(tmp_path, ciphers="ECDHE-ECDSA-AES128-SHA") as port:
            _, outcomes = run(unpacked, port)

        assert outcomes["protocol"] == "passed"
        assert outcomes["cipher"] == "failed"

    @pytest.mark.parametrize(("revoked", "expected"), [(False, "passed"), (True, "failed")])
    def test_reads_what_the_server_staples(self, unpacked, serve, tmp_path, now, revoked, expected):
        issuing, leaf = stores.hierarchy("Alder").issuing, server_leaf(stores.hierarchy("Alder"))
        asked = ocsp.OCSPRequestBuilder().add_certificate(leaf.certificate, issuing.certificate, hashes.SHA256())
        responder = Responder(issuing, revoked={leaf.certificate.serial_number: now} if revoked else {})
        (tmp_path / "ocsp.der").write_bytes(responder(asked.build().public_bytes(Encoding.DER)))

        _, outcomes = run(unpacked, serve(*demanding(unpacked), "-status_file", str(tmp_path / "ocsp.der"), leaf=leaf))

        assert outcomes["stapling"] == expected

    def test_takes_no_refusal_of_the_application_for_one_of_the_server(self, unpacked, tmp_path):
        with careless(tmp_path, 403) as port:
            content, outcomes = run(unpacked, port)

        assert outcomes["no_client"] == outcomes["untrusted_client"] == "failed"
        assert b"does not ask for a client certificate" in content

    def test_needs_only_bash_openssl_and_curl(self, unpacked, serve, tmp_path):
        """On a Mac there is no timeout(1); every other command is one that POSIX has, and mktemp."""
        (tmp_path / "bin").mkdir()
        needed = "bash openssl curl awk sed grep tr cut cat mktemp rm date dirname sleep head"
        for name in needed.split():
            (tmp_path / "bin" / name).symlink_to(shutil.which(name))

        _, outcomes = run(unpacked, serve(*demanding(unpacked)), PATH=str(tmp_path / "bin"))

        assert "failed" not in outcomes.values()

    def test_takes_an_openssl_beside_where_it_was_started(self, unpacked, tmp_path):
        (tmp_path / "mine").symlink_to(shutil.which("openssl"))

        said = started(unpacked, 1, cwd=tmp_path, OPENSSL="./mine")

        assert "no certificate came back" in said.stdout
        assert "No such file" not in said.stderr

    def test_says_what_is_missing(self, unpacked, tmp_path):
        (tmp_path / "libressl").write_text("#!/bin/sh\necho LibreSSL 3.3.6\n")
        (tmp_path / "libressl").chmod(0o755)
        for environment, sentence in (
            ({"OPENSSL": "/nowhere/openssl"}, "/nowhere/openssl is missing"),
            ({"OPENSSL": str(tmp_path / "libressl")}, "LibreSSL 3.3.6 does not know all that is needed"),
            ({"CLIENT_CERT": "nothing.pem"}, "nothing.pem cannot be read"),
        ):
            said = started(unpacked, 1, **environment)

            assert said.returncode == 2
            assert sentence in said.stderr
        assert not (unpacked / "results.json").exists()

    def test_says_that_nothing_answers(self, cast, now, unpacked):
        content, outcomes = run(unpacked, 1)

        assert outcomes["reachable"] == "failed"
        made = kit.hand_in(actor=cast.alder.verifier.actor, partnership=cast.partnership, content=content, now=now)
        assert made.passed < made.count


def result(**changes):
    valid = {
        "format": kit.FORMAT,
        "format_version": 1,
        "kit": "alder-birch/alder birch-prod v1",
        "results": [{"test": test, "outcome": "passed", "says": "ok"} for test in TESTS],
    }
    return json.dumps(valid | changes).encode()


class TestAResult:
    def hand_in(self, cast, now, content):
        return kit.hand_in(actor=cast.alder.verifier.actor, partnership=cast.partnership, content=content, now=now)

    def test_is_taken_when_it_is_whole(self, cast, now):
        assert self.hand_in(cast, now, result()).count == len(TESTS)

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"{",
            b"[]",
            b"null",
            b"[" * 5000,
            result(format="other"),
            result(format_version=2),
            result(kit="alder-birch/birch birch-prod v1"),
            result(kit="other-one/alder birch-prod v1"),
            result(results=[]),
            result(results=json.loads(result())["results"][:-1]),
            result(results=[{"test": test, "outcome": "perfect", "says": ""} for test in TESTS]),
            result(results=[{"test": test, "outcome": ["passed"], "says": ""} for test in TESTS]),
            result(results=[{"test": test, "outcome": "passed", "says": 5} for test in TESTS]),
            result(results=[{"test": test, "outcome": "passed", "says": "\0"} for test in TESTS]),
            result(results=[{"test": test, "outcome": "passed", "says": "\ud800"} for test in TESTS]),
            result(results=["x"] * len(TESTS)),
            make.leaf().key_pem(),
        ],
    )
    def test_is_refused_in_words_otherwise(self, cast, now, content):
        with pytest.raises(errors.Invalid):
            self.hand_in(cast, now, content)

        assert not KitResult.objects.exists()

    @pytest.mark.parametrize("number", ["", "v²", "v-1", "v1234567890"])
    def test_of_no_version_that_can_be_read_is_kept_without_it(self, cast, now, number):
        made = self.hand_in(cast, now, result(kit=f"alder-birch/alder birch-prod {number}"))

        assert made.store_version is None

    def test_does_not_pass_by_skipping(self, cast, now):
        skipped = [{"test": test, "outcome": "skipped", "says": ""} for test in TESTS]
        made = self.hand_in(cast, now, result(results=skipped))

        assert made.passed == 0
        assert made.count == sum(not each.optional for each in TESTS.values())

    def test_does_not_exist_for_strangers(self, cast, now):
        with pytest.raises(errors.NotFound):
            kit.hand_in(actor=cast.cedar.verifier.actor, partnership=cast.partnership, content=result(), now=now)
