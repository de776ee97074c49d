"""Who hears of what, by which channel, in which words: one table. Plain Python.

To tell people of a new kind of event, add one entry to ``TABLE``. What stands in braces is filled from the recorded event as
``portal.audit.sentences`` says, besides ``{partnership}``, the slug of the partnership, for ``path``.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from notifications.deliveries.rules import Channel
from portal.organizations.rules import RESPONDER, Role


class Audience(StrEnum):
    """Which organizations are told: the one whose act or concern the event is, the other of the partnership, or both."""

    ACTING = "acting"
    PARTNER = "partner"
    BOTH = "both"


ADMINS = frozenset({Role.ADMIN.value})
OFFICERS = frozenset({Role.OFFICER.value})
CALLERS = frozenset({Role.OFFICER.value, Role.VERIFIER.value})
DELIVERY_KEEPERS = ADMINS | OFFICERS
EVERYBODY = frozenset(role.value for role in Role)
RESPONDERS = frozenset({Role.OFFICER.value, Role.VERIFIER.value, RESPONDER})

INBOX = "inbox"
PEOPLE: frozenset[str] = frozenset({INBOX, Channel.MAIL})
EVERYWHERE: frozenset[str] = PEOPLE | {Channel.WEBHOOK}
INBOX_ONLY: frozenset[str] = frozenset({INBOX})


@dataclass(frozen=True)
class Rule:
    """Who hears of one kind of event.

    ``subject`` is what a mail's subject, an inbox row and a pager say. ``facts`` are lines of the mail, a label and a
    template each; lines that come out empty are left away. ``next`` says what the reader does now. ``path`` is the page
    where it is done. ``roles`` picks the people (``RESPONDER`` stands for the flag); whoever caused the event is told only
    if ``actor_too``. ``urgent`` retries fast and marks the mail. ``contacts`` are those of the directory who have no login:
    they get the mail too.
    """

    audience: Audience
    roles: frozenset[str]
    channels: frozenset[str]
    subject: str
    next: str = ""
    path: str = "/inbox/"
    facts: tuple[tuple[str, str], ...] = field(default=())
    urgent: bool = False
    actor_too: bool = False
    contacts: bool = False


_AGREEMENT = "/p/{partnership}/agreement/"
_KEYS = "/p/{partnership}/keys/"
_CONTACTS = "/p/{partnership}/contacts/"
_VERIFICATIONS = "/p/{partnership}/verifications/"
_SUBMISSION = "/p/{partnership}/submissions/{number}/"
TABLE: dict[str, Rule] = {
    "key.revoked": Rule(
        Audience.PARTNER,
        RESPONDERS,
        EVERYWHERE,
        subject="{organization} revoked its OpenPGP key {fingerprint}",
        next="Look again at what you took from this key. Its signatures are refused from now on.",
        path=_KEYS,
        facts=(("Reason", "{reason}"),),
        urgent=True,
    ),
    "key.replaced": Rule(
        Audience.PARTNER,
        CALLERS,
        PEOPLE,
        subject="{organization} replaced its OpenPGP key by {fingerprint}",
        next="If you have not verified the new key by phone yet, do it now: nothing it signs counts before.",
        path=_KEYS,
        facts=(("Old key", "{old}"),),
    ),
    "key.vouched": Rule(
        Audience.PARTNER,
        CALLERS,
        INBOX_ONLY,
        subject="{organization} signed its change to OpenPGP key {fingerprint} with its old key",
        next="Verify the new key by phone before the change.",
        path=_KEYS,
    ),
    "key.expires_soon": Rule(
        Audience.ACTING,
        CALLERS,
        PEOPLE,
        subject="Your OpenPGP key {fingerprint} expires in {days} days",
        next="Extend it and add it again, or add the next key and have it verified in time.",
        path="/keys/",
    ),
    "key.partners_key_expires_soon": Rule(
        Audience.PARTNER,
        CALLERS,
        INBOX_ONLY,
        subject="OpenPGP key {fingerprint} of {organization} expires in {days} days",
        next="Ask your partner to extend or to replace it.",
        path=_KEYS,
    ),
    "key.private_key_refused": Rule(
        Audience.ACTING,
        OFFICERS,
        PEOPLE,
        subject="{actor} sent a private key; it was refused and not stored",
        next="Treat the key as exposed: revoke it, and make a new one.",
        path="/keys/",
        facts=(("Kind", "{kind}"),),
        urgent=True,
    ),
    "inventory.expires_soon": Rule(
        Audience.BOTH,
        CALLERS,
        EVERYWHERE,
        subject="{label} of {organization} expires in {days} days",
        next="The owner submits its successor in time, so that both can trust before the old one ends.",
        path="/inventory/expiry/",
        facts=(("Ends", "{not_after}"), ("SHA-256", "{sha256}")),
    ),
    "inventory.expired": Rule(
        Audience.BOTH,
        CALLERS,
        EVERYWHERE,
        subject="{label} of {organization} has expired",
        next="Connections that need it fail now. Submit or publish its successor.",
        path="/inventory/expiry/",
        facts=(("Ended", "{not_after}"), ("SHA-256", "{sha256}")),
        urgent=True,
    ),
    "onboarding.nudged": Rule(
        Audience.PARTNER,
        ADMINS | OFFICERS,
        PEOPLE,
        subject="{organization} waits for you: {title}",
        next="Do it, or write on its page who does and until when.",
        path="/p/{partnership}/onboarding/task/{key}/",
    ),
    "onboarding.ready": Rule(
        Audience.PARTNER,
        ADMINS | OFFICERS,
        PEOPLE,
        subject="{organization} is ready to go live",
        next="Say so for your side, and the partnership is live.",
        path="/p/{partnership}/onboarding/",
    ),
    "onboarding.live": Rule(
        Audience.BOTH,
        ADMINS | OFFICERS,
        EVERYWHERE,
        subject="The partnership of {organization} and {partner} is live",
        path="/p/{partnership}/",
        actor_too=True,
    ),
    "onboarding.item_added": Rule(
        Audience.PARTNER,
        ADMINS | OFFICERS,
        INBOX_ONLY,
        subject="{organization} added “{title}” to the checklist",
        path="/p/{partnership}/onboarding/",
    ),
    "agreement.proposed": Rule(
        Audience.PARTNER,
        OFFICERS,
        EVERYWHERE,
        subject="{organization} proposes agreement v{version}",
        next="Read what changes, then sign the same bytes or send other terms back.",
        path=_AGREEMENT + "v{version}/",
        facts=(("Document", "{sha256}"),),
    ),
    "agreement.in_force": Rule(
        Audience.BOTH,
        ADMINS | OFFICERS,
        EVERYWHERE,
        subject="Agreement v{version} between {organization} and {partner} is in force",
        path=_AGREEMENT,
        facts=(("Document", "{sha256}"),),
    ),
    "agreement.declined": Rule(
        Audience.PARTNER,
        OFFICERS,
        PEOPLE,
        subject="{organization} declined agreement v{version}",
        next="Propose other terms, or call your partner.",
        path=_AGREEMENT,
        facts=(("Reason", "{reason}"),),
    ),
    "agreement.withdrawn": Rule(
        Audience.PARTNER,
        OFFICERS,
        PEOPLE,
        subject="{organization} withdrew agreement v{version}",
        path=_AGREEMENT,
        facts=(("Reason", "{reason}"),),
    ),
    "agreement.waiver_proposed": Rule(
        Audience.PARTNER,
        OFFICERS,
        PEOPLE,
        subject="{organization} asks to waive clause {clause}",
        next="Agree to the waiver or decline it.",
        path=_AGREEMENT,
        facts=(("Reason", "{reason}"), ("Until", "{expires_at}")),
    ),
    "agreement.waiver_agreed": Rule(
        Audience.PARTNER,
        OFFICERS,
        PEOPLE,
        subject="{organization} agreed to waive clause {clause}",
        path=_AGREEMENT,
        facts=(("Until", "{expires_at}"),),
    ),
    "agreement.waiver_ended": Rule(
        Audience.PARTNER,
        OFFICERS,
        PEOPLE,
        subject="{organization} ended the waiver of clause {clause}",
        path=_AGREEMENT,
    ),
    "submission.received": Rule(
        Audience.PARTNER,
        CALLERS,
        EVERYWHERE,
        subject="{organization} sent a signed CA bundle (submission {number})",
        next="See what is in it. It waits for {waits_for}.",
        path=_SUBMISSION,
        facts=(("Certificates", "{certificates}"),),
    ),
    "submission.refused": Rule(
        Audience.ACTING,
        CALLERS,
        INBOX_ONLY,
        subject="Submission {number} was refused",
        next="See what must be fixed, then sign and upload again.",
        path=_SUBMISSION,
        facts=(("Reason", "{reason}"),),
    ),
    "submission.private_key_refused": Rule(
        Audience.ACTING,
        ADMINS | OFFICERS,
        PEOPLE,
        subject="{actor} uploaded a file with a private key; it was refused and not stored",
        next="Treat the key as exposed: stop using it, revoke its certificate, and make a new one.",
        path=_SUBMISSION,
        facts=(("Kind", "{kinds}"),),
        urgent=True,
    ),
    "submission.call_needed": Rule(
        Audience.ACTING,
        CALLERS,
        PEOPLE,
        subject="Submission {number} of {partner} waits for another call",
        path=_SUBMISSION,
    ),
    "submission.approval_needed": Rule(
        Audience.ACTING,
        OFFICERS,
        EVERYWHERE,
        subject="Submission {number} of {partner} waits for approval",
        next="Read the record of the call, then approve or decline. Whoever made the call cannot.",
        path=_SUBMISSION,
    ),
    "submission.quarantined": Rule(
        Audience.BOTH,
        OFFICERS,
        EVERYWHERE,
        subject="Mismatch: submission {number} is quarantined",
        next="Find out which of the two fingerprints is wrong. Do not ask for another upload before that.",
        path=_SUBMISSION,
        urgent=True,
        actor_too=True,
    ),
    "submission.accepted": Rule(
        Audience.PARTNER,
        CALLERS,
        EVERYWHERE,
        subject="{organization} accepted submission {number}",
        path=_SUBMISSION,
        facts=(("Reason", "{reason}"),),
    ),
    "submission.declined": Rule(
        Audience.PARTNER,
        CALLERS,
        EVERYWHERE,
        subject="{organization} declined submission {number}",
        next="Read the reason, then send another bundle or call your partner.",
        path=_SUBMISSION,
        facts=(("Reason", "{reason}"),),
    ),
    "submission.withdrawn": Rule(
        Audience.PARTNER,
        CALLERS,
        PEOPLE,
        subject="{organization} withdrew submission {number}",
        path=_SUBMISSION,
        facts=(("Reason", "{reason}"),),
    ),
    "submission.key_lost": Rule(
        Audience.BOTH,
        CALLERS,
        PEOPLE,
        subject="Submission {number} was refused: its OpenPGP key is no longer in force",
        next="The owner signs the bundle again with a key that is in force.",
        path=_SUBMISSION,
        actor_too=True,
    ),
    "partnership.formed": Rule(
        Audience.PARTNER,
        ADMINS | OFFICERS,
        PEOPLE,
        subject="{organization} accepted your invitation",
        next="Go through the onboarding checklist together.",
        path="/p/{partnership}/",
    ),
    "partnership.suspended": Rule(
        Audience.BOTH,
        ADMINS | OFFICERS | RESPONDERS,
        EVERYWHERE,
        subject="{organization} suspended the partnership with {partner}",
        next="Call your partner. Trust stores stay as they are, and notices are still taken.",
        path="/p/{partnership}/",
        facts=(("Reason", "{reason}"),),
        urgent=True,
    ),
    "partnership.resumed": Rule(
        Audience.BOTH,
        ADMINS | OFFICERS,
        EVERYWHERE,
        subject="{organization} resumed the partnership with {partner}",
        path="/p/{partnership}/",
        facts=(("Reason", "{reason}"),),
    ),
    "partnership.ended": Rule(
        Audience.BOTH,
        ADMINS | OFFICERS | RESPONDERS,
        EVERYWHERE,
        subject="{organization} ended the partnership with {partner}",
        next="Publish versions of your trust stores without this partner.",
        path="/p/{partnership}/",
        facts=(("Reason", "{reason}"),),
        urgent=True,
    ),
    "member.role_changed": Rule(
        Audience.ACTING,
        ADMINS,
        INBOX_ONLY,
        subject="{actor} changed what {name} may do",
        path="/members/",
    ),
    "contact.number_changed": Rule(
        Audience.BOTH,
        EVERYBODY,
        PEOPLE,
        subject="The number of {contact} at {organization} was changed",
        next="If nobody told you that it would change, report it as wrong: it cannot be used before then.",
        path=_CONTACTS,
        facts=(
            ("Before", "{before}"),
            ("Now", "{number}"),
            ("Can be used from", "{usable_from}"),
            ("Changed by", "{actor}"),
        ),
        urgent=True,
        actor_too=True,
        contacts=True,
    ),
    "contact.added": Rule(
        Audience.BOTH,
        DELIVERY_KEEPERS,
        INBOX_ONLY,
        subject="{organization} added {contact} to its contacts",
        path=_CONTACTS,
        facts=(("Number", "{number}"),),
    ),
    "contact.reported_wrong": Rule(
        Audience.BOTH,
        DELIVERY_KEEPERS,
        PEOPLE,
        subject="The number of {contact} at {organization} was reported as wrong",
        next="Call the number and confirm it again, or change it.",
        path=_CONTACTS,
        facts=(("Reason", "{reason}"), ("Number", "{number}"), ("Reported by", "{actor}")),
    ),
    "contact.retired": Rule(
        Audience.BOTH,
        DELIVERY_KEEPERS,
        INBOX_ONLY,
        subject="{contact} is no longer a contact of {organization}",
        path=_CONTACTS,
    ),
    "contact.review_due": Rule(
        Audience.ACTING,
        DELIVERY_KEEPERS,
        PEOPLE,
        subject="Is the entry of {contact} in your directory still right?",
        next="Say so, or change it. A number that nobody answers stops every verification.",
        path="/contacts/",
    ),
    "verification.booked": Rule(
        Audience.PARTNER,
        CALLERS,
        PEOPLE,
        subject="{organization} proposes a time to verify {label} by phone",
        next="Confirm one of the times. Open the portal to get the number.",
        path=_VERIFICATIONS + "{number}/",
    ),
    "verification.booking_confirmed": Rule(
        Audience.PARTNER,
        CALLERS,
        PEOPLE,
        subject="{organization} confirmed the time of verification {number}",
        next="The calendar file is on its page.",
        path=_VERIFICATIONS + "{number}/",
    ),
    "verification.quarantined": Rule(
        Audience.BOTH,
        OFFICERS,
        EVERYWHERE,
        subject="Mismatch: {label} is quarantined",
        next="The fingerprint that was read is not the one in the portal. Call the other side on a number of the directory, "
        "and write what happened on the record. Do not use the portal to reply, and do not ask for another upload.",
        path=_VERIFICATIONS + "{number}/record/",
        facts=(("Verification", "{number}"), ("Reason", "{reason}")),
        urgent=True,
        actor_too=True,
    ),
    "verification.recorded": Rule(
        Audience.ACTING,
        OFFICERS,
        PEOPLE,
        subject="{label} was verified by phone; a second person must approve",
        next="Read the record and decide. Whoever made the call cannot approve it.",
        path=_VERIFICATIONS + "{number}/record/",
    ),
    "verification.approved": Rule(
        Audience.PARTNER,
        CALLERS,
        EVERYWHERE,
        subject="{organization} verified {label}",
        path=_VERIFICATIONS + "{number}/record/",
    ),
    "verification.declined": Rule(
        Audience.BOTH,
        CALLERS,
        PEOPLE,
        subject="{organization} declined verification {number} of {label}; another call is needed",
        path=_VERIFICATIONS + "{number}/record/",
        facts=(("Reason", "{reason}"),),
    ),
    "verification.unlocked": Rule(
        Audience.BOTH,
        OFFICERS,
        PEOPLE,
        subject="{actor} unlocked {label} after its mismatch",
        path=_VERIFICATIONS,
        facts=(("Reason", "{reason}"), ("Call with", "{contact}")),
        urgent=True,
    ),
    "verification.rehearsed": Rule(
        Audience.BOTH,
        OFFICERS,
        INBOX_ONLY,
        subject="REHEARSAL: verification {number} ended",
        path=_VERIFICATIONS + "{number}/record/",
        facts=(("Wrong group noticed", "{noticed}"), ("Seconds", "{seconds}")),
    ),
    # A dead letter is told by another channel than the one that failed, or telling would fail again for ever.
    "mail.undeliverable": Rule(
        Audience.ACTING,
        DELIVERY_KEEPERS,
        INBOX_ONLY,
        subject="A mail to {recipient} could not be delivered",
        next="Check the address, then send it again from the event's deliveries.",
        facts=(("Tried", "{tries} times"), ("Last answer", "{answer}")),
    ),
    "webhook.undeliverable": Rule(
        Audience.ACTING,
        DELIVERY_KEEPERS,
        PEOPLE,
        subject="A webhook to {recipient} could not be delivered",
        next="Mend the endpoint, then redeliver from its page.",
        path="/webhooks/",
        facts=(("Tried", "{tries} times"), ("Last answer", "{answer}")),
    ),
}

# Declared here, since deliveries only record what the fan-out tells.
EVENTS = {
    "mail.undeliverable": "A mail to {recipient} about event {event} was given up after {tries} tries: {answer}",
    "webhook.undeliverable": "A webhook to {recipient} about event {event} was given up after {tries} tries: {answer}",
}
