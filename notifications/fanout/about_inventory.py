"""Who hears of what expires. Part of the table in ``rules``."""

from notifications.fanout.audience import (
    ADMINS,
    CALLERS,
    EVERYWHERE,
    OFFICERS,
    PEOPLE,
    Audience,
    Rule,
)

INVENTORY: dict[str, Rule] = {
    "inventory.expires_soon": Rule(
        Audience.BOTH,
        CALLERS,
        EVERYWHERE,
        subject="{label} of {organization} expires in {days} days",
        next="The owner submits its successor in time, so that both can trust before the old one ends.",
        path="/inventory/expiry/",
        facts=(("Ends", "{not_after}"), ("SHA-256", "{sha256}")),
    ),
    "inventory.metadata_expires_soon": Rule(
        Audience.ACTING,
        ADMINS | OFFICERS,
        PEOPLE,
        subject="{label} ends in {days} days",
        next="Whoever operates the portal has the next one signed in time; until then your services go on pulling.",
        path="/trust-stores/",
        facts=(("Ends", "{not_after}"),),
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
}
