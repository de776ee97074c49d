"""Thousands of services that wait for the next version on one process: ``python -m benchmarks.waiters [--waiters 5000]``.

Each has a token and a connection of its own and asks with ``Prefer: wait`` (or for server-sent events); then another process
publishes. Measures memory a waiter, how many were lost at opening, and when each was told after the commit. Writes
docs/measurements/waiting.md.
"""

import argparse
import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from benchmarks.machines import CLIENT_CORE, ROOT, Machines, Server, cpu_seconds, fetch

OUTPUT = ROOT / "docs" / "measurements" / "waiting.md"
CURRENT = "/api/v1/trust-stores/small-prod/current.pem"
PARALLEL = 200  # openings at once
PUBLISH = """
import json, time
from benchmarks import seed
from django.db import transaction
from portal.organizations import acting
from portal.organizations.models import Membership
from trust.stores import publishing
from trust.stores.grounds import entries_of
from trust.stores.models import StoreVersion, TrustStore
from trust.stores.rules import withdraw

with transaction.atomic():
    store = publishing.lock(TrustStore.objects.get(name="small-prod"))
    current = entries_of(publishing.current_version(store))
    actor = acting.member(Membership.objects.first(), stepped_up=True)
    publishing.publish(
        store=store, composition=withdraw(current, [current[0].sha256]), kind=StoreVersion.Kind.REMOVAL, actor=actor,
        now=seed.NOW, reason="A measurement.",
    )
print(time.time())
"""


@dataclass
class Waiters:
    """What came of them. Moments are in seconds since 1970."""

    parked: int = 0
    answered: list[float] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    connections: list[asyncio.StreamWriter] = field(default_factory=list)


def memory(pid: int) -> int:
    """Return the private memory of a process and its children, in bytes."""
    own = 0
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(("Private_Clean:", "Private_Dirty:")):
            own += int(line.split()[1]) * 1024
    children = [int(each) for file in Path(f"/proc/{pid}/task").glob("*/children") for each in file.read_text().split()]
    return own + sum(memory(each) for each in children)


async def one(port: int, request: bytes, so_far: Waiters, gate: asyncio.Semaphore, streams: bool) -> None:
    """Wait like one service, and note when it was told."""
    try:
        async with gate:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**14)
            writer.write(request)
            await writer.drain()
            if streams:
                # The stream begins with the version that there is.
                await reader.readuntil(b"event: version")
        so_far.parked += 1
        expected = b"event: version" if streams else b"HTTP/1.1 200 OK"
        await reader.readuntil(expected)
        so_far.answered.append(time.time())
        # As the agent does, which asks again over the same connection.
        so_far.connections.append(writer)
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        so_far.lost.append(repr(error))


def requests(tokens: list[str], tag: str, streams: bool) -> list[bytes]:
    """Return what each service sends."""
    how = "Accept: text/event-stream" if streams else f"Prefer: wait=300\r\nIf-None-Match: {tag}"
    return [
        f"GET {CURRENT} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n{how}\r\n\r\n".encode()
        for token in tokens
    ]


async def wait_all(server: Server, environment: dict[str, str], tokens: list[str], streams: bool) -> dict[str, float]:
    """Park everybody, publish, and return what was measured."""
    port = int(server.url.rpartition(":")[2])
    tag = (await asyncio.to_thread(fetch, server.url + CURRENT, {"Authorization": f"Bearer {tokens[0]}"}))[1]
    so_far, gate = Waiters(), asyncio.Semaphore(PARALLEL)
    # The process is warm, and what follows is the waiters' own.
    before, used, started = memory(server.process.pid), cpu_seconds(server.process.pid), time.monotonic()
    tasks = [asyncio.create_task(one(port, each, so_far, gate, streams)) for each in requests(tokens, tag, streams)]
    while so_far.parked + len(so_far.lost) < len(tokens):
        await asyncio.sleep(0.1)
    # Sent is not yet read: the server is through when it works no more.
    settled = cpu_seconds(server.process.pid)
    while True:
        await asyncio.sleep(2)
        now = cpu_seconds(server.process.pid)
        if now - settled < 0.2:
            break
        settled = now
    after, parked = memory(server.process.pid), cpu_seconds(server.process.pid)
    opened = time.monotonic() - started
    too_early = len(so_far.answered)
    published = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PUBLISH, env=environment, cwd=ROOT, stdout=subprocess.PIPE
    )
    said, _ = await published.communicate()
    committed = float(said.split()[-1])
    await asyncio.wait(tasks, timeout=60)
    woken = cpu_seconds(server.process.pid) - parked
    for each in so_far.connections:
        each.close()
    told = sorted(each - committed for each in so_far.answered)
    count = len(tokens)
    return {
        "count": count,
        "lost": len(so_far.lost) + too_early,
        "never": count - len(so_far.answered) - len(so_far.lost),
        "kilobytes": (after - before) / count / 1024,
        "opened": opened,
        "park": (parked - used) / count * 1e6,
        "wake": woken / count * 1e6,
        "p50": statistics.median(told) * 1000,
        "p99": told[round(0.99 * (len(told) - 1))] * 1000,
        "last": told[-1] * 1000,
    }


def measure(count: int, streams: bool) -> dict[str, float]:
    """Start the portal with a fresh database, and measure."""
    with tempfile.TemporaryDirectory(prefix="waiting-") as folder:
        on = Machines(Path(folder))
        environment = on.environment()
        try:
            words = ["--consumers", str(count), "--sizes", "7", "7"]
            tokens = json.loads(on.run(environment, "benchmarks.seed", *words))["tokens"]
            server = on.portal(environment)
            time.sleep(3)
            for token in tokens[:20]:
                fetch(server.url + CURRENT, {"Authorization": f"Bearer {token}"})
            return uvloop.run(wait_all(server, environment, tokens, streams))
        finally:
            on.stop()


def median(rounds: int, count: int, *, streams: bool) -> dict[str, float]:
    """Return the median of each figure; of the lost and never told, the sum."""
    each = [measure(count, streams) for _ in range(rounds)]
    return {
        name: sum(one[name] for one in each)
        if name in ("lost", "never")
        else statistics.median(one[name] for one in each)
        for name in each[0]
    }


def page(found: dict[str, dict[str, float]]) -> str:
    """Return the measurements as a page."""
    lines = [
        "# Waiting for the next version",
        "",
        f"Measured on {datetime.now(UTC):%d %b %Y} with `python -m benchmarks.waiters`: one process of the portal's"
        " server on one core, every waiter a service with a token and a connection of its own; then another process publishes a"
        f" version. SQLite. Medians of the rounds, and sums of who was lost or never told. Load of the machine at the"
        f" end: {os.getloadavg()[0]:.1f}.",
        "",
        "| | waiters | lost at opening | never told | KB a waiter | told after the commit: p50, ms | p99 | last |"
        " CPU to park one, microseconds | to wake one |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for label, each in found.items():
        lines.append(
            f"| {label} | {each['count']:,.0f} | {each['lost']:.0f} | {each['never']:.0f} | {each['kilobytes']:.1f} |"
            f" {each['p50']:.0f} | {each['p99']:.0f} | {each['last']:.0f} | {each['park']:.0f} | {each['wake']:.0f} |"
        )
    lines += [
        "",
        "Targets: 20 KB a waiter, everybody told within 500 ms, nobody lost. Parking one includes finding its token in the database"
        " once. The open files of the process must allow a connection each (`ulimit -n`), and the backlog the rush at opening.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--waiters", type=int, default=5000)
    parser.add_argument(
        "--rounds", type=int, default=3, help="each with a server and a database of its own (default: 3)"
    )
    parser.add_argument("--print", action="store_true", help="print the page and leave the file alone")
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most < options.waiters + 500:
        raise SystemExit(f"Only {most} files may be open. Raise it: ulimit -n {options.waiters + 500}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    # As with every load here: the waiters are not on the server's core.
    os.sched_setaffinity(0, {int(CLIENT_CORE)})
    found = {
        "`Prefer: wait`": median(options.rounds, options.waiters, streams=False),
        "server-sent events": median(options.rounds, options.waiters, streams=True),
    }
    text = page(found)
    print(text)
    if not options.print:
        OUTPUT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
