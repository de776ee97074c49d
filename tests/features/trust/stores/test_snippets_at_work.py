"""What a store's page says to paste, at work: each program lets the partner's services in, and nobody else.

Each test runs the program itself with the snippet as it stands and the files of a really published version. Spring Boot, Istio and
Vault are the exceptions: what stands for them is said in ``tests.makers.java``, ``istio`` and ``vault``.
"""

import contextlib
import hashlib
import json
import os
import shutil
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yaml
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from tests.makers import certificates, go, istio, java, nginx, peers, vault
from tests.makers import consumers as make_consumers
from tests.makers import envoy as make_envoy
from tests.makers import stores as make
from tests.makers.running import free_port, wait_for
from tests.makers.servers import listens
from trust.stores import snippets

# The names of Spring Boot's properties, as its sources of August 2026 (4.2) have them, with what may stand there.
SPRING_SERVER = {
    "server.ssl.client-auth": {"none", "want", "need"},
    "server.ssl.trust-store": None,
    "server.ssl.trust-store-type": {"PKCS12", "JKS"},
    "server.ssl.trust-store-password": None,
}
SPRING_BUNDLE = {"location": None, "type": {"PKCS12", "JKS"}, "password": None}


def laid_out(cast, folder, purpose):
    """Return what each snippet says, with the files of a published version where it looks for them."""
    version = make.published(cast)
    for each in version.artifacts.all():
        (folder / f"alder-prod.{each.format}").write_bytes(bytes(each.content))
    store = make_consumers.store_of(cast)
    store.purpose = purpose
    return {each.title: each.code.replace("/etc/ssl", str(folder)) for each in snippets.of(store)}


@contextlib.contextmanager
def listening(*command, port, log):
    with peers.program(*command, log=log) as process:
        wait_for(lambda: process.poll() is not None or listens(port), seconds=60, what="somebody listens")
        assert process.poll() is None, log.read_text()
        yield port


def as_nginx(folder, inside):
    user = "user root;" if os.getuid() == 0 else ""
    paths = " ".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log stderr; worker_processes 1; {user} events {{}}\n"
        f"http {{ access_log off; {paths}\n{inside}\n}}\n"
    )
    return nginx.program(), "-c", folder / "nginx.conf"


def as_haproxy(folder, inside):
    program = shutil.which("haproxy") or shutil.which("/usr/sbin/haproxy")
    if program is None:
        pytest.skip("haproxy is not installed: nothing was shown about HAProxy")
    (folder / "haproxy.cfg").write_text(
        f"defaults\n  mode http\n  retries 0\n  timeout client 20s\n  timeout server 20s\n  timeout connect 20s\n{inside}\n"
    )
    return program, "-db", "-f", folder / "haproxy.cfg"


def as_node(folder, script):
    if shutil.which("node") is None:
        pytest.skip("node is not installed: nothing was shown about Node")
    (folder / "service.js").write_text(f"const fs = require('fs'), https = require('https');\n{script}\n")
    return "node", folder / "service.js"


class Changing(BaseHTTPRequestHandler):
    """A portal whose one file changes: down while there is none, with an ETag else."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        content = self.server.content
        tag = f'"{hashlib.sha256(content or b"").hexdigest()}"'
        assert self.headers["Authorization"] == "Bearer txc_some"
        status = 503 if content is None else 304 if self.headers["If-None-Match"] == tag else 200
        self.server.answered.append(status)
        body = content if status == 200 else b""
        self.send_response(status)
        self.send_header("ETag", tag)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextlib.contextmanager
def changing():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Changing)
    server.content, server.answered, server.url = None, [], f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """Return the command of the Java service, which is compiled once."""
    return java.command(tmp_path_factory.mktemp("java"))


class TestAServiceThatIsCalled:
    """It asks for a certificate: lets in those that Alder's CAs issued, and refuses Mallory's, and who shows none of Alder's."""

    @pytest.fixture
    def pasted(self, cast, tmp_path):
        own = certificates.leaf(certificates.root(subject=certificates.name("Birch Root", "Birch Inc")))
        (tmp_path / "service.pem").write_bytes(own.pem + own.key_pem())
        (tmp_path / "service.p12").write_bytes(
            pkcs12.serialize_key_and_certificates(
                b"own", own.key, own.certificate, None, BestAvailableEncryption(b"changeit")
            )
        )
        return laid_out(cast, tmp_path, "client")

    def is_right(self, port):
        alder, mallory = make.hierarchy(), certificates.hierarchy("Mallory")
        found = (
            peers.answers(port, alder.leaf, alder.issuing, alder.policy),
            peers.answers(port, mallory.leaf, mallory.issuing, mallory.policy),
        )
        assert found == (True, False)

    def test_by_nginx(self, tmp_path, pasted):
        port, own = free_port(), tmp_path / "service.pem"
        said = f"ssl_certificate {own}; ssl_certificate_key {own};\n{pasted['nginx']}\nlocation / {{ return 200; }}"
        command = as_nginx(tmp_path, f"server {{ listen 127.0.0.1:{port} ssl;\n{said} }}")

        with listening(*command, port=port, log=tmp_path / "log"):
            self.is_right(port)

    def test_by_haproxy(self, tmp_path, pasted):
        port = free_port()
        bind = pasted["HAProxy"].replace(":8443", f"127.0.0.1:{port}")
        command = as_haproxy(tmp_path, f"frontend services\n  {bind}\n  http-request return status 200")

        with listening(*command, port=port, log=tmp_path / "log"):
            self.is_right(port)

    def test_by_envoy_as_istio_sets_it_up(self, tmp_path, pasted):
        command, _, gateway = pasted["Istio"].partition("\n\n")
        tls = yaml.safe_load(gateway)["tls"]
        istio.check_tls("Gateway", tls)
        assert tls["mode"] == "MUTUAL"

        trusted = {"inline_string": istio.root_of(istio.secret(command), tls["credentialName"])}
        way = {"istio": {"validation_context": {"trusted_ca": trusted}}}
        with make_envoy.Envoy(tmp_path, way).running() as running:
            self.is_right(running.ports["istio"])

    def test_by_python(self, tmp_path, pasted):
        known: dict = {"ssl": ssl}
        exec(pasted["Python"], known)
        own = certificates.leaf()

        with peers.called(own, context=known["context"]) as port:
            self.is_right(port)

    def test_by_node(self, tmp_path, pasted):
        own = f"const key = fs.readFileSync('{tmp_path}/service.pem'), cert = key, app = (_, out) => out.end();"
        listen = ".listen(0, '127.0.0.1', function () { console.log(this.address().port) });"
        command = as_node(tmp_path, f"{own}\n{pasted['Node'].rstrip(';')}{listen}")

        with peers.saying_its_port(*command, log=tmp_path / "log") as port:
            self.is_right(port)

    def test_by_go(self, tmp_path, pasted):
        program = go.build(
            tmp_path,
            pasted["Go"]
            + """
            own, err := tls.LoadX509KeyPair(os.Args[1], os.Args[1])
            if err != nil { log.Fatal(err) }
            config.Certificates = []tls.Certificate{own}
            listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
            if err != nil { log.Fatal(err) }
            fmt.Println(listener.Addr().(*net.TCPAddr).Port)
            for {
                caller, err := listener.Accept()
                if err != nil { log.Fatal(err) }
                if caller.(*tls.Conn).Handshake() == nil {
                    caller.Read(make([]byte, 4096))
                    fmt.Fprint(caller, "HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n")
                }
                caller.Close()
            }
            """,
        )

        with peers.saying_its_port(program, tmp_path / "service.pem", log=tmp_path / "log") as port:
            self.is_right(port)

    def test_by_java_as_spring_boot_sets_it_up(self, tmp_path, service, pasted):
        said = yaml.safe_load(pasted["Spring Boot"])
        assert set(said) == set(SPRING_SERVER)
        assert all(said[name] in (allowed or {said[name]}) for name, allowed in SPRING_SERVER.items())
        (tmp_path / "application.properties").write_text(pasted["Spring Boot"])

        command = (*service, tmp_path / "application.properties", "serve", tmp_path / "service.p12")
        with peers.saying_its_port(*command, log=tmp_path / "log") as port:
            self.is_right(port)


class TestAServiceThatCalls:
    """It calls partner.example: takes Alder's server of that name, and neither Mallory's of that name nor Alder's of another."""

    right = (True, False, False)

    @pytest.fixture
    def pasted(self, cast, tmp_path):
        return laid_out(cast, tmp_path, "server")

    @pytest.fixture
    def ports(self):
        with contextlib.ExitStack() as running:
            yield tuple(running.enter_context(each) for each in self.servers())

    def servers(self):
        for company, host in (("Alder", "partner.example"), ("Mallory", "partner.example"), ("Alder", "other.example")):
            tiers = make.hierarchy(company)
            yield peers.called(peers.server_certificate(tiers.issuing, host), tiers.issuing, tiers.policy)

    def passed_on(self, port):
        found = peers.statuses(port, ["/0", "/1", "/2"])
        assert set(found) <= {200, 502, 503}, found
        return tuple(status == 200 for status in found)

    def test_by_nginx(self, tmp_path, pasted, ports):
        port = free_port()
        places = "\n".join(f"location /{at} {{ proxy_pass https://127.0.0.1:{to}; }}" for at, to in enumerate(ports))
        command = as_nginx(tmp_path, f"server {{ listen 127.0.0.1:{port};\n{pasted['nginx']}\n{places} }}")

        with listening(*command, port=port, log=tmp_path / "log"):
            assert self.passed_on(port) == self.right

    def test_by_haproxy(self, tmp_path, pasted, ports):
        port = free_port()
        uses = "\n".join(f"  use_backend b{at} if {{ path /{at} }}" for at in range(3))
        backends = "\n".join(
            f"backend b{at}\n  {pasted['HAProxy'].replace('partner.example:443', f'127.0.0.1:{to}')}"
            for at, to in enumerate(ports)
        )
        command = as_haproxy(tmp_path, f"frontend services\n  bind 127.0.0.1:{port}\n{uses}\n{backends}")

        with listening(*command, port=port, log=tmp_path / "log"):
            assert self.passed_on(port) == self.right

    def test_by_envoy(self, tmp_path, pasted, ports):
        self.envoy_is_right(tmp_path, ports, yaml.safe_load(pasted["Envoy"]))

    def test_by_envoy_as_istio_sets_it_up(self, tmp_path, pasted, ports):
        command, _, rule = pasted["Istio"].partition("\n\n")
        tls = yaml.safe_load(rule)["trafficPolicy"]["tls"]
        istio.check_tls("DestinationRule", tls)
        assert tls["mode"] == "SIMPLE"

        trusted = istio.root_of(istio.secret(command), tls["credentialName"])
        names = [{"san_type": "DNS", "matcher": {"exact": each}} for each in tls["subjectAltNames"]]
        validation = {"trusted_ca": {"inline_string": trusted}, "match_typed_subject_alt_names": names}
        upstream = {"sni": tls["sni"], "common_tls_context": {"validation_context": validation}}
        self.envoy_is_right(tmp_path, ports, upstream)

    def envoy_is_right(self, tmp_path, ports, tls):
        port = free_port()
        (tmp_path / "envoy.json").write_text(json.dumps(make_envoy.calling(port, dict(enumerate(ports)), tls)))
        command = (make_envoy.program(), "-c", tmp_path / "envoy.json", *make_envoy.OPTIONS)

        with listening(*command, port=port, log=tmp_path / "log"):
            assert self.passed_on(port) == self.right

    def test_by_python(self, pasted, ports):
        known: dict = {"ssl": ssl}
        exec(pasted["Python"], known)

        assert tuple(peers.calls(known["context"], port, "partner.example") for port in ports) == self.right

    def test_by_node(self, tmp_path, pasted, ports):
        code = pasted["Node"].replace(
            'host: "partner.example"', 'host: "127.0.0.1", servername: "partner.example", port'
        )
        each = f"for (const port of {list(ports)}) {{\nconst app = () => console.log(port);\n"
        script = each + code.rstrip(";") + ".on('error', () => {});\n}"

        assert peers.said(*as_node(tmp_path, script)) == [str(ports[0])]

    def test_by_go(self, tmp_path, pasted, ports):
        program = go.build(
            tmp_path,
            pasted["Go"]
            + """
            config.ServerName = "partner.example"
            for _, port := range os.Args[1:] {
                _, err := tls.Dial("tcp", "127.0.0.1:" + port, config)
                fmt.Println(err == nil)
            }
            """,
        )

        assert peers.said(program, *ports) == ["true", "false", "false"]

    def test_by_java_as_spring_boot_sets_it_up(self, tmp_path, service, pasted, ports):
        said = yaml.safe_load(pasted["Spring Boot"])
        bundle = "spring.ssl.bundle.jks.alder-prod.truststore."
        assert set(said) == {bundle + name for name in SPRING_BUNDLE}
        assert all(said[bundle + name] in (allowed or {said[bundle + name]}) for name, allowed in SPRING_BUNDLE.items())
        (tmp_path / "application.properties").write_text(pasted["Spring Boot"])

        command = (*service, tmp_path / "application.properties", "call", "alder-prod", *ports)
        assert peers.said(*command) == ["true", "false", "false"]


class TestAPullIntoVault:
    """The command, by a real shell and curl, with a portal that is down, has news, or has none."""

    @pytest.fixture
    def portal(self):
        with changing() as portal:
            yield portal

    @pytest.fixture
    def store(self, cast, settings, portal):
        make.published(cast)
        settings.BASE_URL = portal.url
        return make_consumers.store_of(cast)

    def run(self, code, folder, **environment):
        path = {"PATH": f"{folder}:{os.environ['PATH']}", "TOKEN": "txc_some"}
        done = subprocess.run(["sh", "-c", code], capture_output=True, env=path | environment, timeout=60)
        return done.returncode

    def test_writes_to_vault_what_is_new_until_it_is_written_and_never_an_empty_secret(self, tmp_path, portal, store):
        said = {each.title: each.code for each in snippets.of(store)}
        code = said["Vault"].replace("/etc/ssl", str(tmp_path))
        vault.install(tmp_path)
        with vault.running() as running:
            right = {"VAULT_ADDR": running.url, "VAULT_TOKEN": vault.TOKEN}
            assert self.run(code, tmp_path, **right) != 0
            assert running.versions == {}
            portal.content = b"one"
            assert self.run(code, tmp_path, **right | {"VAULT_TOKEN": "s.expired"}) != 0
            assert running.versions == {}

            for content in (b"one", b"one", b"", b"two"):
                portal.content = content
                assert self.run(code, tmp_path, **right) == 0

            written = running.read("trust-stores/alder-prod")
            assert (written["data"], written["metadata"]["version"]) == ({"ca": "two"}, 2)
            assert running.versions["trust-stores/alder-prod"][0] == {"ca": "one"}
            assert portal.answered == [503, 200, 200, 304, 200, 200]
