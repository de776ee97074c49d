"""Who hears of CRLs, OCSP responders, and revocations that notice and CRL tell differently. Part of the table in ``rules``."""

from notifications.fanout.audience import (
    CALLERS,
    DELIVERY_KEEPERS,
    EVERYWHERE,
    INBOX_ONLY,
    PEOPLE,
    RESPONDERS,
    Audience,
    Rule,
)

_PAGE = "/p/{partnership}/revocations/"
_SEEN_AT = (("Address", "{url}"),)


def _own(subject: str, next_step: str, channels: frozenset[str] = PEOPLE) -> Rule:
    # Told to the owner once, however many partners rely on the address; they have a rule of their own below.
    return Rule(
        Audience.ACTING,
        DELIVERY_KEEPERS | CALLERS,
        channels,
        subject=subject,
        next=next_step,
        path="/inventory/",
        facts=(("Since", "{since}"), ("Why", "{reason}"), *_SEEN_AT),
    )


_MEND = "Mend it: while it is so, your partners cannot see a revocation there, and servers that insist on it refuse your services."
REVOCATIONS: dict[str, Rule] = {
    "revocation.unreachable": _own("{organization}: {what} cannot be reached", _MEND),
    "revocation.stale": _own("{organization}: {what} is out of date", _MEND),
    "revocation.wrong_signer": _own("{organization}: {what} is not signed by its CA", _MEND),
    "revocation.unusable": _own("{organization}: {what} cannot be used", _MEND),
    "revocation.answers": _own("{organization}: {what} answers again", "", INBOX_ONLY),
    "revocation.changed_for_partner": Rule(
        Audience.PARTNER,
        RESPONDERS,
        INBOX_ONLY,
        subject="{organization}: {what}, {words}",
        next="Nothing in your stores. Servers that insist on a fresh CRL may refuse its services.",
        path=_PAGE,
        facts=(("Why", "{reason}"), *_SEEN_AT),
    ),
    "revocation.notice_missing": Rule(
        Audience.BOTH,
        RESPONDERS,
        EVERYWHERE,
        subject="{organization} revoked {label} on its CRL and sent no notice",
        next="The owner sends the notice; its partner calls, and removes the certificate if it is right.",
        path=_PAGE,
        facts=(("Revoked", "{since}"), ("Reason", "{reason}"), ("SHA-256", "{sha256}")),
    ),
    "revocation.crl_missing": Rule(
        Audience.BOTH,
        RESPONDERS,
        PEOPLE,
        subject="The CRL of {organization} does not name {label}, which {notice} says is revoked",
        next="The owner publishes a CRL that names it, or corrects the notice. What was removed stays removed.",
        path=_PAGE,
        facts=(("Revoked", "{since}"), ("Serial", "{serial}")),
    ),
    "revocation.settled": Rule(
        Audience.BOTH,
        RESPONDERS,
        INBOX_ONLY,
        subject="Notice and CRL of {organization} agree about {label} again",
        path=_PAGE,
        facts=(("Outcome", "{outcome}"),),
    ),
    "revocation.gone": Rule(
        Audience.BOTH,
        RESPONDERS,
        PEOPLE,
        subject="{organization}: {what} does not revoke {label} any more",
        next="Nothing comes back by itself: what was removed stays removed until two people publish it again.",
        path=_PAGE,
        facts=_SEEN_AT,
    ),
}
