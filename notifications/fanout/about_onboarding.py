"""Who hears of the checklist of both sides and of its reviews. Part of the table in ``rules``."""

from notifications.fanout.audience import (
    ADMINS,
    EVERYWHERE,
    INBOX_ONLY,
    OFFICERS,
    PEOPLE,
    Audience,
    Rule,
)

ONBOARDING: dict[str, Rule] = {
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
    "review.opened": Rule(
        Audience.BOTH,
        ADMINS | OFFICERS,
        PEOPLE,
        subject="Review {number} of your partnership is open until {due}",
        next="Answer what the portal cannot see, and sign off.",
        path="/p/{partnership}/reviews/",
    ),
    "review.signed_off": Rule(
        Audience.PARTNER,
        ADMINS | OFFICERS,
        INBOX_ONLY,
        subject="{organization} signed off review {number}",
        path="/p/{partnership}/reviews/{number}/",
    ),
}
