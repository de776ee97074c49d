"""What pages and the API show of a version or of a change: certificates with their origin, in the order people read them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from trust.certificates.models import Certificate
from trust.stores import formats, lineage, rules
from trust.stores.models import Artifact, StoreEntry, StoreVersion
from trust.submissions.models import Submission


@dataclass
class Node:
    """A certificate in a chain tree, with those that it signed below it."""

    entry: StoreEntry
    below: list["Node"] = field(default_factory=list)
    also_signed_by: list[Certificate] = field(default_factory=list)


def tree(entries: Iterable[StoreEntry]) -> list[Node]:
    """Return the anchors of a version, each with what it signed below it. A cross-signed certificate stands once and says so."""
    listed = list(entries)
    by_digest = {entry.certificate_id: entry for entry in listed}
    signed_by = lineage.issuers({entry.certificate_id: bytes(entry.certificate.der) for entry in listed})
    parents: dict[str, str] = {}
    children: dict[str, list[str]] = defaultdict(list)
    for entry in listed:
        issuers = sorted(signed_by[entry.certificate_id])
        if entry.role != rules.ANCHOR and issuers:
            parents[entry.certificate_id] = issuers[0]
            children[issuers[0]].append(entry.certificate_id)

    def node(digest: str, seen: frozenset[str]) -> Node:
        others = sorted(signed_by[digest] - {parents.get(digest, "")})
        return Node(
            by_digest[digest],
            [node(child, seen | {digest}) for child in children[digest] if child not in seen],
            [by_digest[other].certificate for other in others],
        )

    return [node(entry.certificate_id, frozenset()) for entry in listed if entry.certificate_id not in parents]


@dataclass(frozen=True)
class Change:
    """One line of a difference. ``sign`` is "+", "−" or " "."""

    sign: str
    word: str
    tint: str
    certificate: Certificate
    role: str
    submission: Submission | None


def changes(composition: rules.Composition, *, with_unchanged: bool = True) -> list[Change]:
    """Return a composition as lines: added, removed, left out, and unchanged."""
    added = {entry.sha256 for entry in composition.added}
    same = [entry for entry in composition.entries if entry.sha256 not in added] if with_unchanged else []
    groups: list[tuple[str, str, str, Sequence[rules.Entry]]] = [
        ("+", "added", "add", composition.added),
        ("−", "removed", "del", composition.removed),
        ("·", "left out: withdrawn or revoked earlier", "same", composition.left_out),
        (" ", "unchanged", "same", same),
    ]
    everything = [entry for *_, entries in groups for entry in entries]
    certificates = Certificate.objects.in_bulk([entry.sha256 for entry in everything])
    submissions = Submission.objects.defer("content", "signature").in_bulk(
        [entry.submission_id for entry in everything]
    )
    by_id = {str(key): row for key, row in submissions.items()}
    once = dict.fromkeys(entry.sha256 for entry in everything)
    at = {each.sha256: place for place, each in enumerate(as_chains(certificates[digest] for digest in once))}
    return [
        Change(sign, word, tint, certificates[entry.sha256], entry.role, by_id.get(entry.submission_id))
        for sign, word, tint, entries in groups
        for entry in sorted(entries, key=lambda entry: at[entry.sha256])
    ]


def as_chains(certificates: Iterable[Certificate]) -> list[Certificate]:
    """Return certificates as people read them: each chain from its top down. By names alone; nothing is decided by it."""
    listed = list(certificates)
    subjects = {each.subject for each in listed}
    below: dict[str, list[Certificate]] = defaultdict(list)
    found: list[Certificate] = []
    waiting = [each for each in listed if each.self_signed or each.issuer not in subjects][::-1]
    for each in listed:
        if not each.self_signed and each.issuer in subjects:
            below[each.issuer].append(each)
    while waiting:
        found.append(waiting.pop())
        waiting += below.pop(found[-1].subject, [])[::-1]
    # What is left names each other in a ring.
    return [*found, *(each for ring in below.values() for each in ring)]


def sentence(composition: rules.Composition) -> str:
    """Return a composition in words: "Adds 1 certificate, removes 1, keeps 2."."""
    kept = len(composition.entries) - len(composition.added)
    parts = []
    if composition.added:
        parts.append(f"adds {_count(len(composition.added))}")
    if composition.removed:
        parts.append(f"removes {_count(len(composition.removed))}")
    parts.append(f"keeps {_count(kept)}")
    first, *rest = parts
    short = [part.replace(" certificates", "").replace(" certificate", "") for part in rest]
    return f"{', '.join([first, *short])}.".capitalize()


def _count(number: int) -> str:
    return f"{number} certificate{'' if number == 1 else 's'}"


def artifacts(version: StoreVersion | None) -> list[Artifact]:
    """Return the files of a version without their contents, the most used format first."""
    order = {extension: at for at, extension in enumerate(formats.BY_EXTENSION)}
    rows = version.artifacts.defer("content") if version else []
    return sorted(rows, key=lambda each: order.get(each.format, len(order)))
