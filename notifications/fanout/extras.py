"""What a mail about a notice carries besides its words: the signed notice itself, and a webhook that could not be told."""

from notifications.deliveries.models import Delivery
from notifications.fanout import payloads
from notifications.webhooks import queries as webhooks
from trust.notices.models import Notice


def attachments(delivery: Delivery) -> tuple[tuple[str, bytes, str], ...]:
    """Return a partner's signed notice and its signature, byte for byte, for the mail that tells of it."""
    if delivery.event.kind not in payloads.WITH_SIGNED_NOTICE:
        return ()
    notice = Notice.objects.filter(pk=delivery.event.subject_id).only("label", "content", "signature").first()
    if notice is None:
        return ()
    if not bytes(notice.signature):
        return ((f"{notice.label}.json.asc", bytes(notice.content), "application/octet-stream"),)
    return (
        (f"{notice.label}.json", bytes(notice.content), "application/octet-stream"),
        (f"{notice.label}.json.asc", bytes(notice.signature), "application/pgp-signature"),
    )


def webhook_trouble(delivery: Delivery) -> tuple[tuple[str, str], ...]:
    """Return a line for each webhook that should have heard of a notice and is failing, paused or unproven."""
    if not delivery.event.kind.startswith(("notice.", "acknowledgement.")):
        return ()
    organization = delivery.organization
    silent = webhooks.paused_for(organization, delivery.event.kind)
    failing = [each for each in webhooks.endpoints_for(organization, delivery.event.kind) if each.state == "failing"]
    return tuple(
        (
            "Webhook",
            f"{each.name} is {each.get_state_display().lower()}: {each.last_reason or each.state_reason}".rstrip(": "),
        )
        for each in (*failing, *silent)
    )
