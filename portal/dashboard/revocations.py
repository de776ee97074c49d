"""What CRLs and OCSP ask of a member. See ``needs`` for the whole list."""

from collections.abc import Iterable

from portal import states, words
from portal.dashboard.desk import Desk
from portal.dashboard.need import LIMIT, Need, page
from portal.organizations.rules import Right
from trust.revocations import queries, seeing
from trust.revocations.models import RevocationGap
from trust.revocations.rules import GapKind


def disagreements(desk: Desk) -> Iterable[Need]:
    """Revocations that only the notice or only the CRL tells, on both sides, until both agree."""
    if not desk.actor.has(Right.ACKNOWLEDGE):
        return
    for gap in queries.open_gaps(desk.own)[:LIMIT]:
        own = gap.owner_id == desk.own.pk
        yield Need(
            title=_title(gap, own),
            sentence=_sentence(gap, own),
            url=page("revocations", gap.partnership.slug),
            icon="alert-triangle",
            tint="bad" if gap.kind == GapKind.NOTICE_MISSING else "warn",
            tag="No notice" if gap.kind == GapKind.NOTICE_MISSING else "Not on the CRL",
            partnership_id=gap.partnership_id,
        )


def _title(gap: RevocationGap, own: bool) -> str:
    if gap.kind == GapKind.NOTICE_MISSING:
        return f"Your CRL revokes {gap.label}" if own else f"{gap.owner.name}’s CRL revokes {gap.label}"
    return f"Your CRL does not name {gap.label}" if own else f"{gap.owner.name}’s CRL does not name {gap.label}"


def _sentence(gap: RevocationGap, own: bool) -> str:
    since = f"since {words.exact(gap.since)}"
    if gap.kind == GapKind.NOTICE_MISSING:
        told = "You sent no notice, so your partner still trusts it." if own else "No notice was sent. Call them."
        return f"Revoked {since}. {told}"
    notice = gap.notice.label if gap.notice else "A notice"
    return (
        f"{notice} says that it is revoked {since}. {'Publish a CRL that names it.' if own else 'Ask which is right.'}"
    )


def addresses_in_trouble(desk: Desk) -> Iterable[Need]:
    """CRL addresses and OCSP responders at which a revocation cannot be seen now: own ones to mend, partners' to know of."""
    if not (desk.actor.has(Right.UPLOAD) or desk.actor.has(Right.ACKNOWLEDGE)):
        return
    for source, partnership in queries.in_trouble(desk.own, desk.now)[:LIMIT]:
        own = source.owner_id == desk.own.pk
        since = f" It is so since {words.exact(source.state_since)}." if source.state_since else ""
        named = seeing.name_of(source)
        yield Need(
            title=f"Your {named}" if own else f"{source.owner.name}: {named}",
            sentence=f"{source.sentence}{since}",
            url=page("revocations", partnership.slug),
            icon="alert-triangle",
            tint="warn" if own else "info",
            tag=states.label("revocation_list", source.state).text,
            partnership_id=partnership.pk,
        )
