"""Who hears of agreements and waivers. Part of the table in ``rules``."""

from notifications.fanout.audience import (
    ADMINS,
    EVERYWHERE,
    OFFICERS,
    PEOPLE,
    Audience,
    Rule,
)

_AGREEMENT = "/p/{partnership}/agreement/"
AGREEMENTS: dict[str, Rule] = {
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
}
