"""What a store's page says to paste, read by the programs that it is for, with the files of a really published version."""

import hashlib
import os
import shlex
import shutil
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from trustx import cli
from trustx.settings import load

from tests.makers import certificates, go, nginx
from tests.makers import consumers as make_consumers
from tests.makers import stores as make
from trust.stores import snippets
from trust.stores.tuf.models import TufMetadata


@pytest.fixture
def pasted(cast, tmp_path):
    """Return what a snippet says, with the store's files and a server's certificate where it looks for them."""
    version = make.published(cast)
    for each in version.artifacts.all():
        (tmp_path / f"alder-prod.{each.format}").write_bytes(bytes(each.content))
    server = certificates.leaf(certificates.root())
    (tmp_path / "service.pem").write_bytes(server.pem + server.key_pem())
    said = {each.title: each for each in snippets.of(make_consumers.store_of(cast))}
    return lambda title: said[title].code.replace("/etc/ssl/", f"{tmp_path}/")


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


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

    def test_nginx_takes_its_own(self, tmp_path, pasted):
        server = f"ssl_certificate {tmp_path}/service.pem; ssl_certificate_key {tmp_path}/service.pem;"
        paths = " ".join(
            f"{name}_temp_path {tmp_path}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (tmp_path / "nginx.conf").write_text(
            f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ access_log off; {paths}\n"
            f"server {{ listen 127.0.0.1:8443 ssl; {server}\n{pasted('nginx')}\n}} }}\n"
        )

        assert "test is successful" in run(nginx.program(), "-t", "-c", str(tmp_path / "nginx.conf"))

    def test_haproxy_takes_its_own(self, tmp_path, pasted):
        program = shutil.which("haproxy") or shutil.which("/usr/sbin/haproxy")
        if program is None:
            pytest.skip("haproxy is not installed: nothing was shown about HAProxy")
        (tmp_path / "haproxy.cfg").write_text(
            "defaults\n  mode http\n  timeout client 5s\n  timeout server 5s\n  timeout connect 5s\n"
            f"frontend services\n  {pasted('HAProxy')}\n  http-request return status 200\n"
        )

        run(program, "-c", "-f", str(tmp_path / "haproxy.cfg"))

    def test_python_takes_its_own(self, pasted):
        known: dict = {"ssl": ssl}
        exec(pasted("Python"), known)

        assert known["context"].verify_mode is ssl.CERT_REQUIRED
        assert [dict(part[0] for part in each["subject"])["commonName"] for each in known["context"].get_ca_certs()]
        assert len(known["context"].get_ca_certs()) == 1

    def test_node_takes_its_own(self, tmp_path, pasted):
        if shutil.which("node") is None:
            pytest.skip("node is not installed: nothing was shown about Node")
        (tmp_path / "service.js").write_text(
            "const fs = require('fs'), https = require('https'), app = () => {};\n"
            f"const key = fs.readFileSync('{tmp_path}/service.pem'), cert = key;\n"
            + pasted("Node").replace("https.createServer", "const server = https.createServer")
            + "\nconsole.log(server.requestCert && server.rejectUnauthorized);\n"
        )

        assert run("node", str(tmp_path / "service.js")).strip() == "true"

    def test_go_takes_its_own(self, tmp_path, pasted):
        said = go.run(tmp_path, pasted("Go") + "\nfmt.Println(len(config.ClientCAs.Subjects()), config.ClientAuth)")

        assert said.split() == ["1", "RequireAndVerifyClientCert"]

    def test_each_names_a_format_that_the_version_has(self, cast, pasted):
        offered = set(make_consumers.store_of(cast).versions.get().artifacts.values_list("format", flat=True))

        for each in snippets.of(make_consumers.store_of(cast)):
            assert each.extension in offered, each.title


class TestOfAStoreOfServers:
    """A service that calls the partner checks the servers there, and asks nobody for a certificate."""

    @pytest.fixture
    def pasted(self, cast, tmp_path):
        version = make.published(cast)
        for each in version.artifacts.all():
            (tmp_path / f"alder-prod.{each.format}").write_bytes(bytes(each.content))
        store = make_consumers.store_of(cast)
        store.purpose = "server"
        said = {each.title: each.code.replace("/etc/ssl/", f"{tmp_path}/") for each in snippets.of(store)}
        assert not {"nginx with CRLs", "Istio"} & set(said)
        assert not any("ssl_client_certificate" in code or "ClientCAs" in code for code in said.values())
        return said

    def test_is_taken_by_nginx(self, tmp_path, pasted):
        paths = " ".join(
            f"{name}_temp_path {tmp_path}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (tmp_path / "nginx.conf").write_text(
            f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ access_log off; {paths}\n"
            "server { listen 127.0.0.1:8080; location / { proxy_pass https://127.0.0.1:1;\n"
            f"{pasted['nginx']}\n}} }} }}\n"
        )

        assert "test is successful" in run(nginx.program(), "-t", "-c", str(tmp_path / "nginx.conf"))

    def test_is_taken_by_python_and_go(self, tmp_path, pasted):
        known: dict = {"ssl": ssl}
        exec(pasted["Python"], known)
        assert (known["context"].verify_mode, len(known["context"].get_ca_certs())) == (ssl.CERT_REQUIRED, 1)

        said = go.run(tmp_path, pasted["Go"] + "\nfmt.Println(len(config.RootCAs.Subjects()))")
        assert said.split() == ["1"]


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
