"""The checklist of a partnership as data: its items, and which of them come before going live. Plain Python.

To add an item, add one entry to ``ITEMS``; give it a ``check`` when the portal can see for itself that it is done, and write
that check in ``sightings``. The eleven items of the mutual TLS guide, section 8.3, are marked with ``guide``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Group(StrEnum):
    """The groups of the checklist, in order."""

    AGREE = "Agree"
    MEET = "Meet"
    EXCHANGE = "Exchange"
    OPERATE = "Operate"


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
        "Exchange OpenPGP keys",
        "Everything that you tell the other side is signed with your OpenPGP key.",
        check="key_proven",
        page="keys",
        of_partnership=False,
        action="Open your keys",
    ),
    Item(
        "key_verified",
        Group.MEET,
        "Verify the other side’s OpenPGP key",
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


def required_of(template: str, custom: Iterable[str] = ()) -> frozenset[str]:
    """Return the keys of the items that must be done before going live. ``custom`` are keys of items that partners require."""
    return REQUIRED[Template(template)] | frozenset(custom)
