"""Who issued whom in a set of certificates, and which of them lead to a root of the set (RFC 5280 6.1, RFC
4158).

Names only suggest an issuer; a signature decides. Signature checks are what costs, so they have a budget.
Finding out how far the path lengths reach needs no search through all paths: what counts for a CA is the
best path from any root, and the best paths come out in order if the most generous CA is always looked at
next.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from dataclasses import dataclass, field
from enum import Enum

from trust.pki.certificate_set import CertificateSet
from trust.pki.certificates import CertificateFacts
from trust.pki.signatures import is_signed_by

_UNLIMITED = 10_000
"""Stands for a CA without a path length. Longer than any chain that fits into an upload."""


class Tier(Enum):
    """Where a CA stands in its hierarchy."""

    ROOT = "root"
    POLICY = "policy"
    ISSUING = "issuing"


@dataclass(frozen=True, slots=True)
class Chains:
    """The issuing relations of a set. Certificates are given by their SHA-256.

    `issuers` has for each certificate those whose key really signed it, itself left out. `named_issuers`
    has those of the right name whose key did not. `reaches_root` leads to a root of the set;
    `within_path_length` does so on a path that all path lengths above allow. With `budget_exhausted` the
    rest is not complete.
    """

    issuers: dict[str, tuple[str, ...]]
    named_issuers: dict[str, tuple[str, ...]]
    reaches_root: frozenset[str]
    within_path_length: frozenset[str]
    circles: tuple[frozenset[str], ...]
    budget_exhausted: bool
    tiers: dict[str, Tier] = field(default_factory=dict)


def signature_budget(count: int) -> int:
    """How many signature checks a set of `count` certificates may cost: linear, with room for renewals."""
    return 200 + 20 * count


def build_chains(certificates: CertificateSet, *, budget: int | None = None) -> Chains:
    """Find issuers, chains to roots, circles and tiers. Cost is linear in certificates plus `budget`
    checks.
    """
    signers, impostors, exhausted = _find_issuers(certificates, budget or signature_budget(len(certificates)))
    return Chains(
        issuers=signers,
        named_issuers=impostors,
        reaches_root=_reach(certificates, signers),
        within_path_length=_within_path_length(certificates, signers),
        circles=_circles(signers),
        budget_exhausted=exhausted,
        tiers=_tiers(certificates, signers),
    )


Edges = dict[str, tuple[str, ...]]


def _find_issuers(certificates: CertificateSet, budget: int) -> tuple[Edges, Edges, bool]:
    by_subject: dict[bytes, list[CertificateFacts]] = defaultdict(list)
    for one in certificates:
        by_subject[one.subject.der].append(one)
    signers: Edges = {}
    impostors: Edges = {}
    exhausted = False
    for one in certificates:
        if one.is_root:
            signers[one.sha256] = impostors[one.sha256] = ()
            continue
        candidates = _candidates(one, by_subject[one.issuer.der])
        exhausted = exhausted or len(candidates) > budget
        found, wrong, spent = _try_candidates(one, candidates, budget)
        budget -= spent
        signers[one.sha256], impostors[one.sha256] = found, wrong
    return signers, impostors, exhausted


def _candidates(one: CertificateFacts, named: list[CertificateFacts]) -> list[CertificateFacts]:
    """Those of the right name; the ones whose key identifier fits come first. One key is tried once."""
    others = [other for other in named if other.sha256 != one.sha256]
    wanted = one.authority_key_identifier
    return sorted(others, key=lambda other: other.subject_key_identifier != wanted)


def _try_candidates(
    one: CertificateFacts, candidates: list[CertificateFacts], budget: int
) -> tuple[tuple[str, ...], tuple[str, ...], int]:
    loaded = one.load()
    verdicts: dict[str, bool] = {}
    found: list[str] = []
    wrong: list[str] = []
    for other in candidates:
        if other.spki_sha256 not in verdicts:
            # A certificate has one signature: once a key fits, other keys of that name need no check.
            if any(verdicts.values()) or len(verdicts) >= budget:
                verdicts[other.spki_sha256] = False
            else:
                verdicts[other.spki_sha256] = is_signed_by(loaded, other.load())
        (found if verdicts[other.spki_sha256] else wrong).append(other.sha256)
    return tuple(found), tuple(wrong), len(verdicts)


def _children(signers: Edges) -> dict[str, list[str]]:
    children: dict[str, list[str]] = defaultdict(list)
    for child, parents in signers.items():
        for parent in parents:
            children[parent].append(child)
    return children


def _reach(certificates: CertificateSet, signers: Edges) -> frozenset[str]:
    children = _children(signers)
    reached: set[str] = set()
    waiting = [one.sha256 for one in certificates.anchors]
    while waiting:
        one = waiting.pop()
        if one not in reached:
            reached.add(one)
            waiting += children[one]
    return frozenset(reached)


def _within_path_length(certificates: CertificateSet, signers: Edges) -> frozenset[str]:
    """Best-first from the roots: how many CAs may still follow below each certificate (RFC 5280 6.1.4 l,
    m).
    """
    facts = {one.sha256: one for one in certificates}
    children = _children(signers)
    best: dict[str, int] = {}
    waiting = [(-_allowance(one), one.sha256) for one in certificates.anchors]
    heapq.heapify(waiting)
    while waiting:
        negative, parent = heapq.heappop(waiting)
        if parent in best:
            continue
        best[parent] = -negative
        for child in children[parent]:
            left = best[parent] - (0 if facts[child].self_issued else 1)
            if left >= 0 or not facts[child].is_ca:
                heapq.heappush(waiting, (-min(left, _allowance(facts[child])), child))
    return frozenset(best)


def _allowance(one: CertificateFacts) -> int:
    return _UNLIMITED if one.path_length is None else min(one.path_length, _UNLIMITED)


def _circles(signers: Edges) -> tuple[frozenset[str], ...]:
    """Groups that have certified each other: strongly connected parts of more than one (Tarjan, without
    recursion).
    """
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    groups: list[frozenset[str]] = []
    for start in signers:
        work = [(start, iter(signers[start]))] if start not in index else []
        while work:
            node, parents = work[-1]
            if node not in index:
                index[node] = low[node] = len(index)
                stack.append(node)
                on_stack.add(node)
            for parent in parents:
                if parent not in index:
                    work.append((parent, iter(signers[parent])))
                    break
                if parent in on_stack:
                    low[node] = min(low[node], index[parent])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    group = stack[stack.index(node) :]
                    del stack[stack.index(node) :]
                    on_stack.difference_update(group)
                    if len(group) > 1:
                        groups.append(frozenset(group))
    return tuple(groups)


def _tiers(certificates: CertificateSet, signers: Edges) -> dict[str, Tier]:
    """A root signed itself; a policy CA has a CA below it or may have one; the rest issue to services."""
    parents = {parent for child in signers for parent in signers[child]}
    tiers = {}
    for one in certificates:
        may_have_cas_below = one.path_length is None or one.path_length > 0
        if one.is_root:
            tiers[one.sha256] = Tier.ROOT
        elif one.sha256 in parents or (one.path_length is not None and may_have_cas_below):
            tiers[one.sha256] = Tier.POLICY
        else:
            tiers[one.sha256] = Tier.ISSUING
    return tiers
