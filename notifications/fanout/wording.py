"""What a mail says of its event: the table's words, and what only the reader's own organization may read."""

from notifications.deliveries.models import Delivery
from notifications.fanout import digest, extras, notice_mail, rules, telling
from notifications.mail.messages import Content
from portal.organizations.models import Organization
from portal.partnerships.models import Partnership

CANNOT_ACKNOWLEDGE = "This email cannot acknowledge anything by itself."


def content_of(delivery: Delivery) -> Content:
    """Return what the mail of a delivery says: of one event, or of a day's."""
    items = list(delivery.digest_items.order_by("event_id"))
    if items:
        return digest.content(delivery, items)
    event = delivery.event
    rule = rules.TABLE[event.kind]
    partnership = (
        Partnership.objects.select_related("first_organization", "second_organization")
        .filter(pk=event.partnership_id)
        .first()
        if event.partnership_id
        else None
    )
    words = telling.of(event, rule, telling.facts_of(event, partnership))
    about = notice_mail.of(delivery)
    if about is not None:
        return Content(
            subject=words.subject,
            lead=about.lead,
            facts=(*about.facts, *extras.webhook_trouble(delivery)),
            opening=", sign in, press Acknowledge.",
            steps=about.steps,
            path=words.path.rstrip("/"),
            caution=CANNOT_ACKNOWLEDGE,
            call=about.call,
            attachments=extras.attachments(delivery),
            dated=False,
        )
    return Content(
        subject=words.subject,
        facts=(*words.facts, *extras.webhook_trouble(delivery)),
        opening=" and sign in." if words.next else "",
        steps=(words.next,) if words.next else (),
        path=words.path,
        caution=CANNOT_ACKNOWLEDGE if event.kind.startswith("notice.") else Content.caution,
        call=_partner(partnership, delivery.organization),
        attachments=extras.attachments(delivery),
    )


def _partner(partnership: Partnership | None, reader: Organization) -> str:
    if partnership is None or not partnership.has(reader):
        return Content.call
    return partnership.other(reader).name
