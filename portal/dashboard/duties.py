"""What agreements, stores, consumers, webhooks, contacts and onboarding ask of a member. See ``needs`` for the whole list."""

from collections.abc import Iterable

from django.db.models import Exists, OuterRef
from django.urls import reverse

from notifications.webhooks import queries as webhooks
from notifications.webhooks.rules import EndpointState
from portal import words
from portal.dashboard.desk import Desk
from portal.dashboard.need import LIMIT, Need, page
from portal.organizations.rules import Right
from portal.partnerships import contact_queries as contacts
from portal.partnerships import queries as partnerships
from portal.partnerships.models import Partnership
from trust.agreements import queries as agreements
from trust.agreements.models import Waiver
from trust.agreements.rules import State as AgreementState
from trust.agreements.rules import WaiverState
from trust.consumers import rules as consumer_rules
from trust.consumers.models import ConsumerToken
from trust.keys.models import OpenPgpKey
from trust.notices.feed import queries as feed
from trust.onboarding import queries as onboarding

BOARDS = 5


def agreements_to_sign(desk: Desk) -> Iterable[Need]:
    """Terms that a partner signed and sent."""
    if not desk.actor.has(Right.SIGN_AGREEMENT):
        return
    own = desk.own
    waiting = agreements.visible_to(own).filter(state=AgreementState.WAITING_FOR_PARTNER).exclude(proposed_by=own)
    for agreement in waiting[:LIMIT]:
        yield Need(
            title=f"Sign agreement v{agreement.version} with {agreement.proposed_by.name}",
            sentence="They have signed it. Read what changes, then sign the same text or send other terms.",
            url=reverse("agreement_version", args=[agreement.partnership.slug, agreement.version]),
            icon="signature",
            tint="warn",
            tag="Waiting for you",
            partnership_id=agreement.partnership_id,
        )


def waivers_to_answer(desk: Desk) -> Iterable[Need]:
    """Exceptions from a clause that a partner asks for."""
    if not desk.actor.has(Right.SIGN_AGREEMENT):
        return
    mine = partnerships.of(desk.own).order_by().values("pk")
    asked = Waiver.objects.filter(partnership__in=mine, state=WaiverState.PROPOSED)
    for waiver in asked.exclude(proposed_by=desk.own).select_related("proposed_by", "partnership")[:LIMIT]:
        yield Need(
            title=f"Answer {waiver.proposed_by.name}: waive clause {waiver.clause}?",
            sentence=waiver.reason,
            url=reverse("waiver_decide", args=[waiver.partnership.slug, waiver.pk]),
            icon="file-text",
            tint="warn",
            tag="Waiting for you",
            partnership_id=waiver.partnership_id,
        )


def keys_that_run_out(desk: Desk) -> Iterable[Need]:
    """Own OpenPGP keys that expire within a month and have no successor."""
    if not desk.actor.has(Right.UPLOAD):
        return
    for key in [each for each in desk.keys if each.state == OpenPgpKey.State.PROVEN][:LIMIT]:
        assert key.expires_at is not None
        yield Need(
            title=f"Add the key that follows {words.concealed(key.fingerprint)}",
            sentence=f"Your OpenPGP key expires on {words.day(key.expires_at)}. Partners need time to verify the next one.",
            url=reverse("keys"),
            icon="key",
            tint="warn",
            due_at=key.expires_at,
        )


def consumers_with_withdrawn_certificates(desk: Desk) -> Iterable[Need]:
    """Services that still run a version with a certificate that was removed since."""
    if not desk.actor.has(Right.MANAGE_DELIVERY):
        return
    now = desk.now
    for each in [each for each in desk.late if each.still_trusts and each.pull][:LIMIT]:
        assert each.pull is not None
        soon = each.next_expected_at
        promise = f" It promised to pull again at {words.clock(soon)}." if soon and soon > now else ""
        yield Need(
            title=f"{each.consumer.name} still trusts {each.leftover}",
            sentence=f"It runs v{each.pull.runs} of {each.store.name}, pulled {words.relative(each.pull.pulled_at, now)}."
            f"{promise} Restart it or force a pull.",
            url=reverse("consumer", args=[each.consumer.name]),
            icon="server",
            tint="bad",
            tag="Behind",
            partnership_id=each.store.partnership_id,
        )


def consumers_that_are_silent(desk: Desk) -> Iterable[Need]:
    """Services that missed more than two of the pulls they promised."""
    if not desk.actor.has(Right.MANAGE_DELIVERY):
        return
    silent = [each for each in desk.late if each.state == consumer_rules.State.SILENT and not each.still_trusts]
    for each in silent[:LIMIT]:
        assert each.pull is not None
        yield Need(
            title=f"{each.consumer.name} is silent",
            sentence=f"It last pulled {each.store.name} {words.relative(each.pull.pulled_at, desk.now)}. Is it switched off?",
            url=reverse("consumer", args=[each.consumer.name]),
            icon="bell-off",
            tint="warn",
            tag="Silent",
            partnership_id=each.store.partnership_id,
        )


def feed_readers_that_are_silent(desk: Desk) -> Iterable[Need]:
    """Programs that stopped reading the feed of notices."""
    if not desk.actor.has(Right.MANAGE_DELIVERY):
        return
    for reader in feed.silent(desk.own, desk.now).order_by("read_at")[:LIMIT]:
        each = feed.standing(reader, desk.own, desk.now)
        waits = f" Unread: {each.unread}." if each.unread else ""
        last = words.relative(reader.read_at, desk.now)
        yield Need(
            title=f"{reader.token.name} stopped reading notices",
            sentence=f"It last read the feed with {each.partner.name} {last}.{waits} Does it run?",
            url=reverse("notice_feed"),
            icon="bell-off",
            tint="warn",
            tag="Silent",
            partnership_id=reader.partnership_id,
        )


def consumer_tokens_that_run_out(desk: Desk) -> Iterable[Need]:
    """Consumers whose newest token expires within a week."""
    if not desk.actor.has(Right.MANAGE_DELIVERY):
        return
    living = ConsumerToken.objects.filter(revoked_at=None)
    newer = living.filter(consumer=OuterRef("consumer"), expires_at__gt=OuterRef("expires_at"))
    ending = living.filter(
        consumer__organization=desk.own,
        consumer__retired_at=None,
        expires_at__gt=desk.now,
        expires_at__lt=desk.now + consumer_rules.EXPIRES_SOON,
    ).exclude(Exists(newer))
    for token in ending.select_related("consumer").order_by("expires_at")[:LIMIT]:
        yield Need(
            title=f"Renew the token of {token.consumer.name}",
            sentence="Two tokens may overlap, so that the service never stops pulling.",
            url=reverse("consumer_rotate", args=[token.consumer.name]),
            icon="key",
            tint="warn",
            due_at=token.expires_at,
        )


def webhooks_that_fail(desk: Desk) -> Iterable[Need]:
    """Endpoints that do not take what is sent to them."""
    if not desk.actor.has(Right.MANAGE_DELIVERY):
        return
    for endpoint in (
        webhooks.of(desk.own).filter(failing_since__isnull=False).exclude(state=EndpointState.UNPROVEN)[:LIMIT]
    ):
        assert endpoint.failing_since is not None
        yield Need(
            title=f"Webhook {endpoint.name} has failed for {words.duration(desk.now - endpoint.failing_since)}",
            sentence=endpoint.state_reason or f"{endpoint.failures} tries in a row. Mail goes on as before.",
            url=page("webhook", endpoint.pk) or page("webhooks") or reverse("home"),
            icon="webhook",
            tint="warn",
            tag="Failing",
        )


def gaps_in_the_directory(desk: Desk) -> Iterable[Need]:
    """What partners cannot do because of what the own directory lacks."""
    if not desk.actor.has(Right.EDIT_CONTACTS):
        return
    lacking = contacts.lacking(desk.contacts, desk.now)
    if not lacking or not partnerships.of(desk.own).exists():
        return
    for sentence in lacking:
        head, _, rest = sentence.partition(". ")
        yield Need(f"{head.rstrip('.')}.", rest, reverse("contacts"), "phone", "warn")


def onboarding_to_finish(desk: Desk) -> Iterable[Need]:
    """Partnerships that are not live yet because something of this side is missing."""
    own = desk.own
    begun = partnerships.of(own).filter(state=Partnership.State.ONBOARDING)
    for partnership in begun[:BOARDS]:
        mine = [each for each in onboarding.board(partnership, desk.now).missing if each.side == own.slug]
        if not mine:
            continue
        count = f"{len(mine)} tasks are" if len(mine) > 1 else "1 task is"
        yield Need(
            title=f"Onboarding with {partnership.other(own).name}: {count} yours",
            sentence=f"First: {mine[0].title}.",
            url=reverse("onboarding", args=[partnership.slug]),
            icon="list-check",
            tint="info",
            tag="In progress",
            partnership_id=partnership.pk,
        )
