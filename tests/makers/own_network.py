"""A network of a process's own, in which the system's resolver asks a name server that changes its mind.

``run(case)`` starts this module in a new network and mount namespace, where a public address is on the loopback,
``/etc/resolv.conf`` points at a stub, and receivers with TLS listen. There it makes posts with the webhook client and the system's
own look-up, and returns for each: outcome, reason, and what receivers and name server saw.
"""

import fcntl
import ipaddress
import json
import os
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PUBLIC = "93.184.216.34"
ROOT = Path(__file__).resolve().parents[2]
_UNSHARE = ("unshare", "--net", "--mount", "--user", "--map-root-user")
A, AAAA = 1, 28


def is_possible() -> bool:
    """Say whether this machine lets us have a network of our own."""
    return bool(shutil.which("unshare")) and subprocess.run([*_UNSHARE, "true"], capture_output=True).returncode == 0


def run(case: dict) -> list[dict]:
    """Run ``case``: ``names`` (host -> answers, the last for ever) and ``posts`` (host, port, client_certificate)."""
    done = subprocess.run(
        [*_UNSHARE, sys.executable, "-m", "tests.makers.own_network"],
        input=json.dumps(case),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _bring_up(folder: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for name, address in (("lo", "127.0.0.1"), ("lo:1", PUBLIC)):
            if name != "lo":
                fields = struct.pack("16sH2s4s8s", name.encode(), socket.AF_INET, b"", socket.inet_aton(address), b"")
                fcntl.ioctl(any_socket, 0x8916, fields)  # SIOCSIFADDR
            fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14s", name.encode(), 0x1 | 0x40, b""))  # SIOCSIFFLAGS: up
    for name, text in (("resolv.conf", "nameserver 127.0.0.1\n"), ("hosts", "127.0.0.1 localhost\n")):
        (folder / name).write_text(text)
        subprocess.run(["mount", "--bind", str(folder / name), f"/etc/{name}"], check=True)


class NameServer:
    """Answers from a table, one row of answers a question, and the last row for ever."""

    def __init__(self, names: dict[str, list[list[str]]]) -> None:
        self.names, self.asked = names, defaultdict(int)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            question, sender = self._socket.recvfrom(512)
            self._socket.sendto(self._answer(question), sender)

    def _answer(self, question: bytes) -> bytes:
        labels, at = [], 12
        while length := question[at]:
            labels.append(question[at + 1 : at + 1 + length].decode())
            at += 1 + length
        kind = struct.unpack("!H", question[at + 1 : at + 3])[0]
        host = ".".join(labels).lower()
        rows = self.names.get(host, [[]])
        row = rows[min(self.asked[host, kind], len(rows) - 1)]
        self.asked[host, kind] += 1
        wanted = 4 if kind == A else 6
        found = [each.packed for each in map(ipaddress.ip_address, row) if each.version == wanted]
        answers = b"".join(struct.pack("!HHHIH", 0xC00C, kind, 1, 0, len(each)) + each for each in found)
        head = question[:2] + struct.pack("!HHHHH", 0x8180, 1, len(found), 0, 0)
        return head + question[12 : at + 5] + answers


def _listen(port: int, folder: Path, seen: list, *, client_ca: bool) -> None:
    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            shown = self.connection.getpeercert() or {}
            seen.append(
                {"dialed": self.connection.getsockname()[0], "client": dict(_flat(shown)).get("commonName", "")}
            )
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    if client_ca:
        context.load_verify_locations(folder / "root.pem")
        context.verify_mode = ssl.CERT_REQUIRED
    server = ThreadingHTTPServer(("0.0.0.0", port), Receiver)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None
    threading.Thread(target=server.serve_forever, daemon=True).start()


def _flat(shown: dict) -> list:
    return [pair for part in shown.get("subject", ()) for pair in part]


def _certificates(folder: Path) -> None:
    from tests.makers import certificates

    top = certificates.root()
    server, client = certificates.leaf(top, "orders"), certificates.leaf(top, "portal")
    (folder / "root.pem").write_bytes(top.pem)
    for name, each in (("server", server), ("client", client)):
        (folder / f"{name}.pem").write_bytes(each.pem)
        (folder / f"{name}.key").write_bytes(each.key_pem())


def _main(folder: Path) -> None:
    case = json.loads(sys.stdin.read())
    _bring_up(folder)
    _certificates(folder)
    seen: list = []
    _listen(8443, folder, seen, client_ca=False)
    _listen(9443, folder, seen, client_ca=True)
    names = NameServer(case["names"])

    from notifications.webhooks import client
    from portal.outbound.connecting import Tls
    from portal.outbound.guard import Guard

    tls = Tls(str(folder / "root.pem"), certificate=str(folder / "client.pem"), key=str(folder / "client.key"))
    results = []
    for host, port, client_certificate in case["posts"]:
        seen.clear()
        asked = sum(names.asked.values())
        url = f"https://{host}:{port}/hook"
        post = client.Post(1, "e", url, b"{}", {}, client_certificate=client_certificate)
        answer = client.post_one(post, guard=Guard(ports=frozenset({8443, 9443})), tls=tls)
        results.append(
            {
                "outcome": answer.outcome,
                "reason": answer.reason,
                "seen": list(seen),
                "asked": sum(names.asked.values()) - asked,
            }
        )
    print(json.dumps(results))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as own:
        _main(Path(own))
