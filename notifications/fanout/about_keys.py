"""Who hears of OpenPGP keys. Part of the table in ``rules``."""

from notifications.fanout.audience import (
    CALLERS,
    EVERYWHERE,
    INBOX_ONLY,
    OFFICERS,
    PEOPLE,
    RESPONDERS,
    Audience,
    Rule,
)

_KEYS = "/p/{partnership}/keys/"
KEYS: dict[str, Rule] = {
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
}
