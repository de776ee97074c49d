"""What reading a signed bundle costs, as a ratio to openssl in the same run: ``python -m benchmarks.intake``.

CPU seconds are counted, of this process and of every process that it starts, because they stay the same whatever else the
machine does. Writes docs/measurements/intake.md; with --print only prints.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

os.environ["EXCHANGE_DATA_DIR"] = _folder = tempfile.mkdtemp(prefix="intake-")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")
os.environ.pop("DATABASE_URL", None)

import django

django.setup()

import certifi
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.core.management import call_command

from tests.cast import Cast, everybody
from tests.makers import certificates as make
from tests.makers import keys as key_makers
from tests.makers.packages import zipped
from trust.pki import bounded
from trust.pki.examination import examine
from trust.pki.findings import Severity
from trust.pki.secrets_scan import scan
from trust.submissions import services
from trust.submissions.checking import Checked

OUTPUT = Path(__file__).resolve().parent.parent / "docs" / "measurements" / "intake.md"
NOW = datetime.now(UTC).replace(microsecond=0)
_TICKS = os.sysconf("SC_CLK_TCK")
TARGET_RATIO, TARGET_USUAL, TARGET_MEMORY = 0.4, 0.150, 200


@dataclass(frozen=True)
class Row:
    """One line of the page."""

    what: str
    seconds: float
    said: str


def spent() -> float:
    """CPU seconds until now, of this process, what it waited for, and the process that reads for it."""
    mine, theirs = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    total = mine.ru_utime + mine.ru_stime + theirs.ru_utime + theirs.ru_stime
    nursery = bounded._nursery._process
    if nursery is not None:
        fields = Path(f"/proc/{nursery.pid}/stat").read_text().rpartition(")")[2].split()
        total += sum(int(each) for each in fields[11:15]) / _TICKS
    return total


def cost(work: Callable[[], object], rounds: int) -> float:
    """CPU seconds of one call: the median of several."""
    took = []
    for _ in range(rounds):
        before = spent()
        work()
        time.sleep(0.05)  # the reader's children are counted once it has waited for them
        took.append(spent() - before)
    return median(took)


class Desk:
    """Alder and Birch with a verified key, and the whole check of an upload as the portal makes it."""

    def __init__(self) -> None:
        call_command("migrate", verbosity=0, run_syncdb=True)
        self.cast: Cast = everybody()
        self.holder = key_makers.verified_key(self.cast.alder, self.cast.birch)[1]

    def check(self, name: str, content: bytes, signature: bytes) -> Checked:
        return services.check_bundle(
            partnership=self.cast.partnership,
            file_name=name,
            content=content,
            signature=signature,
            actor=self.cast.alder.officer.actor,
            now=NOW,
        )

    def submit(self, name: str, content: bytes, signature: bytes) -> None:
        services.submit(
            partnership=self.cast.partnership,
            file_name=name,
            content=content,
            signature=signature,
            actor=self.cast.alder.officer.actor,
            now=NOW,
        )


def by_openssl(certificates: list[x509.Certificate]) -> Callable[[], None]:
    """What an engineer would do instead: `openssl x509 -text` and `openssl verify`, once for each certificate."""
    folder = Path(tempfile.mkdtemp(prefix="openssl-", dir=_folder))
    for number, each in enumerate(certificates):
        (folder / f"{number}.pem").write_bytes(each.public_bytes(Encoding.PEM))
    (folder / "all.pem").write_bytes(b"".join(each.public_bytes(Encoding.PEM) for each in certificates))

    def loop() -> None:
        for number in range(len(certificates)):
            for command in (
                ["openssl", "x509", "-in", f"{number}.pem", "-noout", "-text"],
                ["openssl", "verify", "-CAfile", "all.pem", f"{number}.pem"],
            ):
                subprocess.run(command, cwd=folder, capture_output=True, check=False)

    return loop


def whole_bundle(desk: Desk, rounds: int) -> list[Row]:
    """Mozilla's bundle as certifi ships it, signed: the full report against the loop."""
    content = Path(certifi.where()).read_bytes()
    certificates = x509.load_pem_x509_certificates(content)
    signature = desk.holder.sign_detached(content)
    ours, theirs, loop = [], [], by_openssl(certificates)
    for _ in range(rounds):
        ours.append(cost(lambda: desk.check("cacert.pem", content, signature), 1))
        theirs.append(cost(loop, 1))
    ratio = median(ours) / median(theirs)
    checked = desk.check("cacert.pem", content, signature)
    assert checked.examination is not None
    assert len(checked.examination.reading.certificates) == len(certificates)
    return [
        Row(f"openssl x509 -text and openssl verify, {len(certificates)} times each", median(theirs), "the peer"),
        Row(
            f"The full report on the same {len(certificates)} roots, nothing known of them before",
            median(ours),
            f"**{ratio:.2f}** of the peer (target: at most {TARGET_RATIO})",
        ),
    ]


def usual(desk: Desk, rounds: int) -> list[Row]:
    """Three CAs: new to the portal each time, and sent again after they were kept."""
    offers = [make.hierarchy(f"Offer {number}").bundle for number in range(rounds + 1)]
    signed = [(each, desk.holder.sign_detached(each)) for each in offers]
    desk.check("bundle.pem", *signed.pop())
    waiting = iter(signed)
    fresh = cost(lambda: desk.check("bundle.pem", *next(waiting)), rounds)
    desk.submit("bundle.pem", *signed[0])
    again = cost(lambda: desk.check("bundle.pem", *signed[0]), rounds)
    return [
        Row("A usual submission of three CAs, new", fresh, f"target: at most {TARGET_USUAL * 1000:.0f} ms"),
        Row("The same three again, their linting kept", again, ""),
    ]


def in_a_child(content: bytes) -> tuple[float, int, str]:
    """Search and examine in a process of its own; return CPU seconds, MiB of memory, and the heaviest finding."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        before = resource.getrusage(resource.RUSAGE_SELF)
        scan(content)
        seen = examine(content, now=NOW)
        after = resource.getrusage(resource.RUSAGE_SELF)
        took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        grown = (after.ru_maxrss - before.ru_maxrss) // 1024
        first = next((each.code for each in seen.findings if each.severity is Severity.REFUSE), "taken")
        os.write(write, f"{took} {grown} {first}".encode())
        os._exit(0)
    os.close(write)
    took_text, grown_text, first = os.read(read, 1000).decode().split()
    os.close(read)
    os.waitpid(pid, 0)
    return float(took_text), int(grown_text), first


def hostile() -> list[tuple[str, bytes]]:
    """The largest and the most tangled things that a partner may send."""
    roots = [make.root(f"Root {number}", key=make.ec_key("one")) for number in range(1200)]
    pem = [one.pem for one in roots]
    mesh = [make.root(f"Mesh {number}", path_length=None) for number in range(12)]
    crossed = [
        make.policy_ca(under, subject=one.certificate.subject, key=one.key, path_length=None)
        for one in mesh
        for under in mesh
        if one is not under
    ]
    chain = [make.root("Top", path_length=None)]
    for number in range(119):
        chain.append(make.policy_ca(chain[-1], f"Down {number}", path_length=None))
    filler = b"# " + b"x" * 98 + b"\n"
    return [
        ("100 roots", b"".join(pem[:100])),
        ("200 roots", b"".join(pem[:200])),
        ("400 roots", b"".join(pem[:400])),
        ("1,200 roots", b"".join(pem)),
        ("a mesh of 12 keys, 144 certificates", b"".join(one.pem for one in [*mesh, *crossed])),
        ("a chain of 120", b"".join(one.pem for one in chain)),
        ("10 MB of text around one root", filler * (10 * 1024 * 1024 // len(filler) - 10) + pem[0]),
        ("10 MB of BEGIN lines", b"-----BEGIN CERTIFICATE-----\n" * (10 * 1024 * 1024 // 28)),
        ("zip, 64 members of 5 MB of zeros", zipped({f"certs/{n}.pem": b"\0" * 5 * 1024 * 1024 for n in range(64)})),
        (
            "zip, four members of 5 MB of noise",
            zipped({f"certs/{n}.pem": os.urandom(2_400_000) for n in range(4)}),
        ),
    ]


def page(rows: list[Row], bounds: list[tuple[str, float, int, str]]) -> str:
    """The page, from what was measured."""
    lines = [
        "# What reading a bundle costs",
        "",
        f"Measured on {NOW:%d %b %Y} with `python -m benchmarks.intake`, Python {sys.version.split()[0]},",
        "SQLite. CPU seconds of all processes that take part, medians; they do not depend on what else the machine does.",
        "",
        "| What | CPU, ms | |",
        "| --- | --- | --- |",
        *(f"| {row.what} | {row.seconds * 1000:.0f} | {row.said} |" for row in rows),
        "",
        "The report is all of it: the search for private keys, the signature by gpgv and the second reader, every certificate, the",
        "linter, our own rules, chains, the agreed terms, what the portal remembers, and what validators will say.",
        "",
        "## The largest and the most tangled uploads",
        "",
        f"Memory is what the reading adds to the process that reads (target: under {TARGET_MEMORY} MB).",
        "",
        "| Upload | CPU, s | Memory, MB | Outcome |",
        "| --- | --- | --- | --- |",
        *(f"| {name} | {took:.2f} | {grown} | `{first}` |" for name, took, grown, first in bounds),
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--print", action="store_true", help="print the page and leave the file alone")
    options = parser.parse_args()
    started = time.monotonic()
    desk = Desk()
    desk.check("warm.pem", make.root("Warm").pem, desk.holder.sign_detached(make.root("Warm").pem))
    rows = [*whole_bundle(desk, options.rounds), *usual(desk, options.rounds + 4)]
    text = page(rows, [(name, *in_a_child(content)) for name, content in hostile()])
    print(text)
    print(f"Took {time.monotonic() - started:.0f} s.", file=sys.stderr)
    if not options.print:
        OUTPUT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
