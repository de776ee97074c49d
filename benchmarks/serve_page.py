"""The page about the speed of a pull, made from what was measured."""

import os
import statistics
import sys
from datetime import datetime

from benchmarks.machines import Result

Rounds = dict[tuple[str, str], list[Result]]
TARGETS = {"304": 0.5, "5 KB": 0.65, "220 KB": 0.95}
FAIRNESS = """## Fairness

10,000 consumers that poll each minute are 167 requests a second, which a slow stack also holds. The fast path buys the minute
after a publish, tail latency and small machines.
"""


def about(at: datetime, *, rounds: int, seconds: float, took: float) -> str:
    """Return the head of the page."""
    busy = os.getloadavg()[0]
    return f"""# Speed of a pull

Measured on {at:%d %b %Y} with `python -m benchmarks.serve` in {took:.0f} s: one core for the server, wrk with 50 kept
connections on another, {rounds} interleaved rounds of {seconds:g} s, each with servers started anew, medians. Absolute figures move
from machine to machine; the ratios are what to keep.
Python {sys.version.split()[0]}, the portal's server (uvicorn on uvloop, one worker). Load of the machine at the end: {busy:.1f}
(the measurement itself is about 2).

The portal checks the token, and records the pull, on each of these requests; nginx checks nothing. *CPU* is what the server's
processes used, in microseconds a request: it moves less than throughput when other work runs on the machine.
"""


def _median(results: list[Result], of: str) -> float:
    return statistics.median(getattr(each, of) for each in results)


def _beside_nginx(found: Rounds, targets: dict[str, float]) -> str:
    lines = [
        "| Answer | nginx static, requests/s | portal, requests/s | **portal to nginx** | target | portal p99, ms | nginx p99, ms |"
        " CPU nginx | CPU portal | nginx's CPU to portal's |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for case, target in targets.items():
        nginx, portal = found[case, "nginx"], found[case, "portal"]
        rates = _median(nginx, "rate"), _median(portal, "rate")
        used = _median(nginx, "cpu"), _median(portal, "cpu")
        lines.append(
            f"| {case} | {rates[0]:,.0f} | {rates[1]:,.0f} | **{rates[1] / rates[0]:.2f}** | {target} |"
            f" {_median(portal, 'p99'):.1f} | {_median(nginx, 'p99'):.1f} | {used[0]:.1f} | {used[1]:.1f} |"
            f" {used[0] / used[1]:.2f} |"
        )
    return "\n".join([*lines, ""])


def plain(found: Rounds) -> str:
    """Return the chapter about plain HTTP."""
    return "\n".join(
        [
            "## Beside nginx",
            "",
            "Target for p99: 2 ms.",
            "",
            _beside_nginx(found, TARGETS),
            _copying(found),
            _beside_bare(found),
        ]
    )


def _copying(found: Rounds) -> str:
    """Return how nginx compares when it copies bodies, as everything must that makes them."""
    shares = []
    for case in TARGETS:
        rates = _median(found[case, "copying"], "rate"), _median(found[case, "portal"], "rate")
        shares.append(f"{case}: {rates[0]:,.0f} requests/s, portal to that **{rates[1] / rates[0]:.2f}**")
    return f"""nginx sends files by sendfile here, as the portal does with bodies of 64 KB and more.
With `sendfile off`, nginx's own default: {"; ".join(shares)}.
"""


def _beside_bare(found: Rounds) -> str:
    """Return what is the server's and what is the portal's."""
    lines = [
        "The same server with an application that knows its answer, asks for no token and is called for each request:",
        "",
        "| Answer | that, requests/s | to nginx | CPU | **portal to that** | CPU that the portal adds |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for case in TARGETS:
        nginx, portal, bare = found[case, "nginx"], found[case, "portal"], found[case, "bare"]
        rate, used = _median(bare, "rate"), _median(bare, "cpu")
        lines.append(
            f"| {case} | {rate:,.0f} | {rate / _median(nginx, 'rate'):.2f} | {used:.1f} |"
            f" **{_median(portal, 'rate') / rate:.2f}** | {_median(portal, 'cpu') - used:.1f} |"
        )
    return "\n".join([*lines, ""])


def tls(found: Rounds) -> str:
    """Return the chapter about TLS."""
    targets = dict.fromkeys(TARGETS, 0.5)
    return f"## Over kept TLS 1.3 connections, ended by each server itself (P-256)\n\n{_beside_nginx(found, targets)}"


def slow(found: Rounds) -> str:
    """Return the chapter about slow requests beside."""
    alone, beside = found["304", "alone"], found["304", "beside slow ones"]
    share = _median(beside, "rate") / _median(alone, "rate")
    return f"""## With four slow requests in flight

Each takes a tenth of a second. 304: {_median(alone, "rate"):,.0f} requests/s alone, {_median(beside, "rate"):,.0f} beside the
slow ones (**{share:.2f}**, target 0.8); p99 {_median(alone, "p99"):.1f} ms alone, **{_median(beside, "p99"):.1f} ms** beside
them (target 5).
"""


def orm(found: Rounds) -> str:
    """Return the chapter about a DRF view."""
    lines = [
        "## Beside a DRF view that looks its token up by the ORM on PostgreSQL",
        "",
        "Django's default middleware, DRF's TokenAuthentication, persistent connections; gunicorn with 16 threads, as most sites"
        " run one. Target: 80.",
        "",
        "| Answer | DRF on | DRF, requests/s | portal, requests/s | **portal to DRF** | CPU DRF | CPU portal |"
        " **DRF's CPU to portal's** |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    measured = [(case, peer) for case in ("304", "5 KB") for peer in ("gunicorn",) if (case, peer) in found]
    for case, peer in measured:
        theirs, ours = found[case, peer], found[case, "portal"]
        rates, used = (_median(theirs, "rate"), _median(ours, "rate")), (_median(theirs, "cpu"), _median(ours, "cpu"))
        lines.append(
            f"| {case} | {peer} | {rates[0]:,.0f} | {rates[1]:,.0f} | **{rates[1] / rates[0]:.0f}** | {used[0]:,.0f} |"
            f" {used[1]:.1f} | **{used[0] / used[1]:.0f}** |"
        )
    return "\n".join([*lines, ""])


def reach(found: dict[str, list[float]]) -> str:
    """Return the chapter about how soon a change is served."""
    labels = {
        "revoked": ("A revoked token opens nothing", "p99 50 ms"),
        "published": ("A published version is served", "p99 50 ms"),
        "lost": ("A revoked token whose message was lost opens nothing", "2 s"),
    }
    lines = [
        "## How soon another process serves a change",
        "",
        "A process on another machine, which shares nothing with the one that made the change but PostgreSQL. Milliseconds"
        " from the commit to the first answer that shows it.",
        "",
        "| | times | p50 | p99 | longest | target |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for kind, (label, target) in labels.items():
        took = sorted(found[kind])
        last = took[min(len(took) - 1, round(0.99 * len(took)))]
        lines.append(
            f"| {label} | {len(took)} | {statistics.median(took):.1f} | {last:.1f} | {took[-1]:.1f} | {target} |"
        )
    return "\n".join([*lines, ""])


def cost(found: dict[str, dict[str, float]]) -> str:
    """Return the chapter about growth."""
    few, many = found["few"], found["many"]
    return f"""## What a pull costs when there is more of everything

CPU microseconds of what finds the answer, in a loop and without a server, asked by each consumer in turn. Pulls are
written down by another thread, whose work grows with the consumers that pulled and is not in these figures.

| Answer | 10 consumers, 1 version | 10,000 consumers, 1,000 versions |
| --- | --- | --- |
| 304, store of 7 certificates | {few["small-prod 304"]:.2f} | {many["small-prod 304"]:.2f} |
| 200, store of 7 certificates | {few["small-prod 200"]:.2f} | {many["small-prod 200"]:.2f} |

| Answer | 10 certificates | 1,000 certificates |
| --- | --- | --- |
| 304, with the consumers and versions above | {few["large-prod 304"]:.2f} | {many["large-prod 304"]:.2f} |
"""
