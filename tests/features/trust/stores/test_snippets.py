"""What a store's page says to paste. ``test_snippets_at_work.py`` has the programs run it."""

import hashlib
import os
import shlex
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from trustx import cli
from trustx.settings import load

from tests.makers import consumers as make_consumers
from tests.makers import stores as make
from trust.stores import snippets
from trust.stores.tuf.models import TufMetadata


@pytest.fixture
def pasted(cast):
    """Return what each snippet of a store with a published version says."""
    make.published(cast)
    said = {each.title: each for each in snippets.of(make_consumers.store_of(cast))}
    return lambda title: said[title].code


class TestSnippets:
    def test_trustx_takes_its_own(self, settings, tmp_path, pasted):
        command, _, toml = pasted("trustx").partition("\n\n")
        (tmp_path / "trustx.toml").write_text(toml)

        read = load(tmp_path / "trustx.toml", {})

        assert (read.portal, read.store, read.wanted) == (settings.BASE_URL, "alder-prod", ("pem",))
        assert read.partner_fingerprints == (make.SIGNER,)
        root = bytes(TufMetadata.objects.get(role="root").content)
        asked = cli.parser().parse_args(shlex.split(command.replace("\\\n", " "))[1:])
        assert asked.sha256 == hashlib.sha256(root).hexdigest()
        assert str(asked.out) == str(read.root)

    def test_each_names_a_format_that_the_version_has(self, cast, pasted):
        offered = set(make_consumers.store_of(cast).versions.get().artifacts.values_list("format", flat=True))

        for each in snippets.of(make_consumers.store_of(cast)):
            assert each.extension in offered, each.title


class TestOfAStoreOfServers:
    def test_says_nothing_that_a_service_that_is_called_would_paste(self, cast):
        make.published(cast)
        store = make_consumers.store_of(cast)
        store.purpose = "server"

        said = {each.title: each.code for each in snippets.of(store)}

        assert "nginx with CRLs" not in said
        for word in ("ssl_client_certificate", "ClientCAs", "client-auth", "requestCert", "bind ", "MUTUAL"):
            assert not any(word in code for code in said.values()), word

    def test_says_to_check_the_name_wherever_a_chain_would_do(self, cast):
        make.published(cast)
        store = make_consumers.store_of(cast)
        store.purpose = "server"

        said = {each.title: each.code for each in snippets.of(store)}

        for title in ("nginx", "HAProxy", "Envoy", "Istio"):
            assert "partner.example" in said[title], title


class HalfWay(BaseHTTPRequestHandler):
    """Serves one store with its tag, and breaks off in the middle of it as often as ``breaks`` says."""

    whole, tag, breaks = b"-----BEGIN CERTIFICATE-----\n" * 100, '"2"', 0

    def do_GET(self) -> None:
        """Answer like a pull."""
        has_it = self.headers.get("If-None-Match") == self.tag
        self.send_response(304 if has_it else 200)
        self.send_header("ETag", self.tag)
        if not has_it:
            self.send_header("Content-Length", str(len(self.whole)))
        self.end_headers()
        if not has_it:
            broken = HalfWay.breaks > 0
            HalfWay.breaks -= broken
            self.wfile.write(self.whole[:100] if broken else self.whole)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class TestPullingWithCurl:
    def paste(self, cast, tmp_path, token: str) -> int:
        code = snippets.pull_again_command(make_consumers.store_of(cast), "curl/8").replace("/etc/ssl/", f"{tmp_path}/")
        environ = {**os.environ, "TOKEN": token}
        return subprocess.run(["sh", "-c", code], env=environ, capture_output=True, timeout=60).returncode

    @pytest.mark.django_db(transaction=True)
    def test_takes_the_store_and_leaves_it_alone_while_nothing_is_new(self, cast, settings, live_server, tmp_path):
        settings.BASE_URL = live_server.url
        version = make.published(cast)
        token, file = make_consumers.registered(cast)[1], tmp_path / "alder-prod.pem"

        assert self.paste(cast, tmp_path, "txc_wrong") == 22
        assert not file.exists()
        assert self.paste(cast, tmp_path, token) == 0
        assert file.read_bytes() == bytes(version.artifacts.get(format="pem").content)
        before = file.stat().st_mtime_ns
        assert self.paste(cast, tmp_path, token) == 0
        assert file.stat().st_mtime_ns == before

    def test_tries_again_what_broke_off_and_puts_no_half_in_place(self, cast, settings, tmp_path):
        make.published(cast)
        server = ThreadingHTTPServer(("127.0.0.1", 0), HalfWay)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        settings.BASE_URL = f"http://127.0.0.1:{server.server_port}"
        file = tmp_path / "alder-prod.pem"
        file.write_bytes(b"old")
        HalfWay.breaks = 1

        assert self.paste(cast, tmp_path, "txc_any") == 18
        assert file.read_bytes() == b"old"
        assert self.paste(cast, tmp_path, "txc_any") == 0
        assert file.read_bytes() == HalfWay.whole
        server.shutdown()
        server.server_close()

    def test_is_trustx_where_that_pulled(self, cast):
        make.published(cast)

        code = snippets.pull_again_command(make_consumers.store_of(cast), "trustx/0.1.0")

        assert code == "trustx pull --config /etc/trustx/alder-prod.toml"
        assert cli.parser().parse_args(shlex.split(code)[1:]).config
