"""The checklist of a partnership as data, and what its states mean. Plain Python.

To add an item, add one entry to ``ITEMS``; give it a ``check`` when the portal can see for itself that it is done, and write
that check in ``sightings``. The eleven items of the mutual TLS guide, section 8.3, are marked with ``guide``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

NUDGE_EVERY = timedelta(days=1)
DUE_AFTER_DAYS = 14


class Group(StrEnum):
    """The groups of the checklist, in order."""

    AGREE = "Agree"
    MEET = "Meet"
    EXCHANGE = "Exchange"
    OPERATE = "Operate"


class Status(StrEnum):
    """Where one side is with one item; the values are those of ``portal.states``."""

    NOT_STARTED = "not_started"
    IN_PROGRESS = "in_progress"
    WAITING_FOR_PARTNER = "waiting_for_partner"
    COMPLETED = "completed"
    CANNOT_START_YET = "cannot_start_yet"
    PROBLEM = "problem"


class Template(StrEnum):
    """Kinds of partnership. They differ in what must be done before going live."""

    STANDARD = "standard"
    PAYMENTS = "payments"
    TEST = "test"


TEMPLATE_WORDS = {
    Template.STANDARD: ("Production", "Everything in Agree, Meet and Exchange."),
    Template.PAYMENTS: (
        "Payments",
        "As production, and webhook, incident mailbox, joint negative tests and a rehearsal before going live.",
    ),
    Template.TEST: ("Test environment", "The agreement, verified keys, verified roots and published stores."),
}


@dataclass(frozen=True, slots=True)
class Item:
    """One task, which each side does for itself.

    ``check`` names the sighting that completes it; without one, people say that it is done. ``after`` are the keys of items that
    the same side completes first. ``page`` is the URL name where it is done; ``of_partnership`` says that the page takes the
    slug. ``guide`` quotes the item of the guide's checklist.
    """

    key: str
    group: Group
    title: str
    why: str = ""
    check: str = ""
    after: tuple[str, ...] = ()
    page: str = ""
    of_partnership: bool = True
    action: str = ""
    guide: str = ""
    custom: bool = False


ITEMS: tuple[Item, ...] = (
    Item(
        "agreement",
        Group.AGREE,
        "Sign the agreement",
        "Both sides sign the same bytes, so that nobody has to remember what was agreed.",
        check="agreement_signed",
        page="agreement",
        action="Open the agreement",
    ),
    Item(
        "lifetimes",
        Group.AGREE,
        "Agree on lifetimes and algorithms",
        "A certificate that lives too long or has a weak key is found before it is trusted, not after.",
        check="agreement_in_force",
        page="agreement",
        action="Open the agreement",
        guide="Agree on certificate lifetimes (max 90 days)",
    ),
    Item(
        "identity",
        Group.AGREE,
        "Agree on identity attributes",
        "Which SPIFFE IDs, DNS names and subjects your services have, and what they may do.",
        check="identity_agreed",
        page="agreement",
        action="Open the agreement",
        guide="Define certificate attributes (CN, SANs, EKU)",
    ),
    Item(
        "notices",
        Group.AGREE,
        "Agree on notice periods",
        "How long before a change the other side is told, and how fast it answers.",
        check="agreement_in_force",
        page="agreement",
        action="Open the agreement",
        guide="Define change notification requirements",
    ),
    Item(
        "officers",
        Group.MEET,
        "Have two security officers",
        "Adding trust takes two people.",
        check="two_officers",
        page="members",
        of_partnership=False,
        action="Invite members",
    ),
    Item(
        "contacts",
        Group.MEET,
        "Name a primary and a backup contact",
        "Somebody must answer when the other side calls.",
        check="contacts_named",
        page="contacts",
        of_partnership=False,
        action="Open the directory",
        guide="Designate technical contacts (primary + backup)",
    ),
    Item(
        "numbers",
        Group.MEET,
        "Confirm both numbers by call",
        "A number that nobody called is only a claim.",
        check="numbers_confirmed",
        after=("contacts",),
        page="contacts",
        of_partnership=False,
        action="Open the directory",
        guide="Define incident response communication channels",
    ),
    Item(
        "key",
        Group.MEET,
        "Exchange signing keys",
        "Everything that you tell the other side is signed with your OpenPGP key.",
        check="key_proven",
        page="keys",
        of_partnership=False,
        action="Open your keys",
    ),
    Item(
        "key_verified",
        Group.MEET,
        "Verify the other side’s signing key",
        "Only a call tells whose key it is.",
        check="key_verified",
        page="verifications",
        action="Open the verifications",
    ),
    Item(
        "roots",
        Group.EXCHANGE,
        "Submit your root CAs",
        "The signed bundle of the CAs that your services use.",
        check="roots_submitted",
        after=("key",),
        page="submissions",
        action="Open the submissions",
        guide="Exchange Root CA certificates",
    ),
    Item(
        "roots_verified",
        Group.EXCHANGE,
        "Verify the other side’s root CAs",
        "Each root is read aloud on the phone, and a second person approves.",
        check="roots_verified",
        after=("key_verified",),
        page="verifications",
        action="Open the verifications",
    ),
    Item(
        "store",
        Group.EXCHANGE,
        "Publish your first trust store",
        "What your services will pull.",
        check="store_published",
        after=("roots_verified",),
        page="trust_stores",
        of_partnership=False,
        action="Open the trust stores",
    ),
    Item(
        "revocation",
        Group.OPERATE,
        "Name CRL and OCSP endpoints that answer",
        "Your partner must be able to see a revocation without asking you.",
        check="revocation_served",
        after=("roots",),
        page="revocations",
        action="See how they answer",
        guide="Establish CRL/OCSP endpoints",
    ),
    Item(
        "webhook",
        Group.OPERATE,
        "Answer a webhook test",
        "Revocations reach your machines in seconds only if something listens.",
        check="webhook_proven",
        page="webhooks",
        of_partnership=False,
        action="Open the webhooks",
    ),
    Item(
        "mailbox",
        Group.OPERATE,
        "Confirm your incident mailbox",
        "The address that is told when nothing else gets through.",
        check="mailbox_confirmed",
        page="incident_mailbox",
        of_partnership=False,
        action="Open the mailbox",
    ),
    Item(
        "consumer",
        Group.OPERATE,
        "Have a consumer that pulled your store",
        "A store that nobody pulls protects nothing, and only the consumer knows whether it loaded it.",
        check="consumer_pulled",
        after=("store",),
        page="consumers",
        of_partnership=False,
        action="Open the consumers",
    ),
    Item(
        "clock",
        Group.OPERATE,
        "Keep clocks within the agreed difference",
        "More than 5 minutes of difference makes valid certificates fail.",
        check="clock_close",
        page="agreement",
        action="Open the agreement",
    ),
    Item(
        "monitoring",
        Group.OPERATE,
        "Set up monitoring and alerting",
        "Expiry and failed handshakes must wake somebody on your side.",
        guide="Set up monitoring and alerting integration",
    ),
    Item(
        "windows",
        Group.OPERATE,
        "Agree on maintenance windows",
        "When changes are expected, and when none may happen.",
        check="windows_agreed",
        page="agreement",
        action="Open the agreement",
        guide="Agree on maintenance windows",
    ),
    Item(
        "escalation",
        Group.OPERATE,
        "Set an escalation policy",
        "Who is told, and when, if nobody answers.",
        check="escalation_set",
        page="escalation_policy",
        of_partnership=False,
        action="Open the escalation policy",
        guide="Establish escalation procedures",
    ),
    Item(
        "reviews",
        Group.OPERATE,
        "Agree on a review schedule",
        "Trust that nobody looks at decays.",
        check="agreement_in_force",
        page="reviews",
        action="Open the reviews",
        guide="Set up regular security review schedule",
    ),
    Item(
        "negative_tests",
        Group.OPERATE,
        "Run the joint negative tests",
        "Certificates that must fail do fail, against the store that you would serve.",
        check="negative_tests_passed",
        after=("store",),
        page="negative_tests",
        action="Open the negative tests",
    ),
    Item(
        "test_kit",
        Group.OPERATE,
        "Run the test kit against your endpoints",
        "What the portal cannot reach, you test yourself and hand in the result.",
        check="kit_passed",
        after=("store",),
        page="negative_tests",
        action="Get the test kit",
    ),
    Item(
        "rehearsal",
        Group.OPERATE,
        "Rehearse a revocation together",
        "The first revocation should not be the first time.",
        check="rehearsed",
        after=("key",),
        page="partnership_notices",
        action="Open the notices",
    ),
)
BY_KEY: dict[str, Item] = {item.key: item for item in ITEMS}

_BEFORE_LIVE = frozenset(item.key for item in ITEMS if item.group in (Group.AGREE, Group.MEET, Group.EXCHANGE))
REQUIRED: dict[Template, frozenset[str]] = {
    Template.STANDARD: _BEFORE_LIVE,
    Template.PAYMENTS: _BEFORE_LIVE | {"webhook", "mailbox", "negative_tests", "rehearsal", "revocation"},
    Template.TEST: frozenset({"agreement", "officers", "key", "key_verified", "roots", "roots_verified", "store"}),
}

EVENTS = {
    "onboarding.template_chosen": "{actor} chose the checklist “{template}”",
    "onboarding.task_planned": "{actor} planned “{title}” for {organization}: {owner}, due {due}",
    "onboarding.task_done": "{organization} completed “{title}”, says {actor}",
    "onboarding.task_reopened": "{actor} reopened “{title}” for {organization}",
    "onboarding.evidence_added": "{actor} added evidence for “{title}”: {name}",
    "onboarding.item_added": "{organization} added “{title}” to the checklist",
    "onboarding.item_removed": "{organization} removed “{title}” from the checklist",
    "onboarding.nudged": "{organization} reminds {partner} of “{title}”",
    "onboarding.ready": "{organization} says that it is ready to go live",
    "onboarding.live": "The partnership of {organization} and {partner} is live",
    "onboarding.mailbox_confirmed": "The incident mailbox of {organization} is confirmed",
    "onboarding.mailbox_asked": "{actor} asked to confirm the incident mailbox of {organization}",
    "onboarding.negative_tests_run": "{actor} ran the joint negative tests: {passed} of {count} as expected",
    "onboarding.sample_added": "{organization} supplied a test certificate: {expectation}",
    "onboarding.sample_removed": "{organization} took a test certificate back: {expectation}",
    "onboarding.kit_result": "{organization} handed in a result of the test kit: {passed} of {count} passed",
    "review.opened": "Review {number} of the partnership is open until {due}",
    "review.answered": "{actor} answered review {number} for {organization}",
    "review.finding_added": "{actor} wrote a finding in review {number}: {title}",
    "review.finding_closed": "{actor} closed the finding “{title}”",
    "review.signed_off": "{actor} signed off review {number} for {organization}",
    "review.closed": "Review {number} is signed off by both sides",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What the portal itself sees about an item on one side.

    ``since`` is when it came to be so, if that is known. ``sentence`` says what was seen or what is missing. ``problem`` is
    set when something is wrong, not only missing; ``theirs`` when the other side is the one to act.
    """

    done: bool
    sentence: str
    since: datetime | None = None
    problem: bool = False
    theirs: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """What people wrote about an item on one side."""

    owner: str = ""
    due_on: date | None = None
    done_at: datetime | None = None
    done_by: str = ""
    nudged_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """One side of one item. ``side`` is the organization's slug."""

    side: str
    status: Status
    sentence: str
    since: datetime | None = None
    said: Said = field(default_factory=Said)
    machine: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One item with its two sides."""

    item: Item
    required: bool
    cells: tuple[Cell, Cell]

    @property
    def completed(self) -> bool:
        """Whether both sides completed it."""
        return all(cell.status is Status.COMPLETED for cell in self.cells)

    def cell(self, side: str) -> Cell:
        """Return one side's cell. Raises StopIteration for a stranger."""
        return next(cell for cell in self.cells if cell.side == side)


@dataclass(frozen=True, slots=True)
class Missing:
    """A required item that one side has not completed."""

    key: str
    title: str
    side: str
    sentence: str
    since: datetime | None


def required_of(template: str, custom: Iterable[str] = ()) -> frozenset[str]:
    """Return the keys of the items that must be done before going live. ``custom`` are keys of items that partners require."""
    return REQUIRED[Template(template)] | frozenset(custom)


def board(
    *,
    items: Sequence[Item],
    required: frozenset[str],
    sides: tuple[str, str],
    seen: Mapping[tuple[str, str], Seen],
    said: Mapping[tuple[str, str], Said],
) -> tuple[Line, ...]:
    """Return the checklist: each item with the status of both sides.

    ``seen`` and ``said`` are by (item key, side). An item whose check has no sighting is one that people complete.
    """
    done = {
        (item.key, side): _is_done(seen.get((item.key, side)), said.get((item.key, side)))
        for item in items
        for side in sides
    }
    titles = {item.key: item.title for item in items}

    def cell(item: Item, side: str) -> Cell:
        blocked = [titles[key] for key in item.after if key in titles and not done[(key, side)]]
        return _cell(item, side, seen.get((item.key, side)), said.get((item.key, side), Said()), blocked, done, sides)

    return tuple(Line(item, item.key in required, (cell(item, sides[0]), cell(item, sides[1]))) for item in items)


def _is_done(seen: Seen | None, said: Said | None) -> bool:
    if seen is not None:
        return seen.done
    return said is not None and said.done_at is not None


def _cell(
    item: Item,
    side: str,
    seen: Seen | None,
    said: Said,
    blocked: list[str],
    done: Mapping[tuple[str, str], bool],
    sides: tuple[str, str],
) -> Cell:
    machine = seen is not None
    if done[(item.key, side)]:
        since = seen.since if seen else said.done_at
        sentence = seen.sentence if seen else f"Completed, says {said.done_by}."
        return Cell(side, Status.COMPLETED, sentence, since, said, machine)
    if seen and seen.problem:
        return Cell(side, Status.PROBLEM, seen.sentence, seen.since, said, machine)
    if blocked:
        return Cell(
            side, Status.CANNOT_START_YET, f"Cannot start yet because of: {', '.join(blocked)}.", None, said, machine
        )
    if seen and seen.theirs:
        return Cell(side, Status.WAITING_FOR_PARTNER, seen.sentence, seen.since, said, machine)
    started = bool(said.owner or said.due_on)
    sentence = seen.sentence if seen else "Somebody of this side says when it is done."
    return Cell(side, Status.IN_PROGRESS if started else Status.NOT_STARTED, sentence, None, said, machine)


def missing(lines: Iterable[Line]) -> tuple[Missing, ...]:
    """Return what stands between the partnership and going live, in the order of the checklist."""
    return tuple(
        Missing(line.item.key, line.item.title, cell.side, cell.sentence, cell.since)
        for line in lines
        if line.required
        for cell in line.cells
        if cell.status is not Status.COMPLETED
    )


def progress_sentence(lines: Iterable[Line], names: Mapping[str, str]) -> str:
    """Say in words how far both sides are: "Alder 12 of 12, Birch 9 of 12 of what is needed to go live."."""
    needed = [line for line in lines if line.required]
    parts = []
    for side, name in names.items():
        completed = sum(1 for line in needed if line.cell(side).status is Status.COMPLETED)
        parts.append(f"{name} {completed} of {len(needed)}")
    return f"{', '.join(parts)} of what is needed to go live."


def may_nudge(said: Said, now: datetime) -> bool:
    """Say whether the other side may be reminded again: once a day."""
    return said.nudged_at is None or now - said.nudged_at >= NUDGE_EVERY
