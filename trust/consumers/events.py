"""The facts about consumers that the log can hold, and how each is said."""

EVENTS: dict[str, str] = {
    "consumer.registered": "{actor} registered the consumer {consumer}, which pulls {stores}",
    "consumer.changed": "{actor} changed the consumer {consumer}, which pulls {stores}",
    "consumer.token_rotated": "{actor} made a new token for {consumer} ({hint}…); older ones end at {others_end_at}",
    "consumer.token_revoked": "{actor} revoked a token of {consumer} ({hint}…)",
    "consumer.silent": "{consumers} stopped pulling {stores}",
    "consumer.pulls_again": "{consumers} pulls {stores} again",
    "consumer.retired": "{actor} switched the consumer {consumer} off; its tokens ended",
    "consumer.switched_on": "{actor} switched the consumer {consumer} on again with a new token ({hint}…)",
}
