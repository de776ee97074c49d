"""One of everything, between Alder and Birch, so that every address of the portal has something to show.

Birch relies: the store, the consumer, the webhook, the calls and the drafts are Birch's. Alder sends: the submissions, the
notice. The keys, contacts and tokens that are asked for are Birch's. Cedar is a stranger to all of it.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import transaction

from notifications.fanout import services as fanout
from notifications.models import Delivery, InboxItem
from notifications.webhooks import services as webhooks
from notifications.webhooks.models import WebhookEndpoint
from portal.audit.models import Event
from portal.organizations import invitations
from portal.organizations import services as organizations
from portal.organizations.rules import Scope
from portal.partnerships import services as partnerships
from tests.cast import Cast, everybody, make_contact
from tests.makers import agreements, api_tokens, calls, consumers, notices, stores
from tests.makers import certificates as make
from tests.moments import EVERYTHING_VALID
from trust.agreements import waivers
from trust.inventory import services as inventory
from trust.keys.models import OpenPgpKey
from trust.notices import composing
from trust.notices.feed import services as feed
from trust.notices.feed.models import FeedReader
from trust.notices.rules import Kind
from trust.onboarding import negative, queries, reviews
from trust.onboarding import services as onboarding
from trust.stores.merging.models import MergedExport
from trust.stores.models import StoreDraft, StoreVersion, TrustStore

NOW = EVERYTHING_VALID
YEAR = timedelta(days=365)
CHECKLIST_ITEM = "monitoring"


@dataclass
class World:
    """The cast and what stands between them; ``values`` fills the placeholders of addresses, by name of address or at all."""

    cast: Cast
    tokens: dict[Scope, str] = field(default_factory=dict)
    consumer_token: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    of_address: dict[str, dict[str, Any]] = field(default_factory=dict)

    def value(self, address: str, placeholder: str) -> Any:
        """Return what fills a placeholder of the address with this name. Raises AssertionError for one that is not known."""
        for start in (address, address.removeprefix("api_").split("_")[0]):
            if placeholder in self.of_address.get(start, {}):
                return self.of_address[start][placeholder]
        assert placeholder in self.values, f"Say in tests/makers/world.py what fills <{placeholder}> of {address}."
        return self.values[placeholder]


def made() -> World:
    """Return the world, made the way people make it wherever that is one call."""
    cast = everybody()
    world = World(cast)
    signer = notices.make_signer(cast)
    _people(world)
    agreement = agreements.in_force(cast)
    agreements.proposed(cast)
    store = _store(world)
    _calls(world)
    _delivery(world)
    notice = signer.send().notice
    _feed(world)
    while fanout.sweep(now=NOW):
        pass
    _checklist(world)
    _papers(world)
    world.values |= {
        "slug": cast.partnership.slug,
        "agreement_id": agreement.pk,
        "label": notice.label,
        "side": "alder",
        "partner": "alder",
        "sha256": stores.hierarchy("Alder").root.sha256,
        "key_id": OpenPgpKey.objects.get(organization=cast.birch.organization).pk,
        "submission_id": store.versions.get(number=1).submission_id,
        "delivery_id": Delivery.objects.get(channel="webhook").pk,
        "delivery": Delivery.objects.get(channel="webhook").pk,
        "item": InboxItem.objects.filter(membership=cast.birch.officer.membership).earliest("pk").pk,
    }
    return world


def _people(world: World) -> None:
    cast = world.cast
    make_contact(cast.alder.verifier)
    admin = cast.birch.admin.actor
    invited = invitations.invite_member(email="new@birch.example", name="Nia", role="viewer", actor=admin, now=NOW)
    partner = partnerships.invite_partner(
        company="Dogwood", contact_name="Dan", email="dan@dogwood.example", actor=admin, now=NOW
    )
    for scope in Scope:
        row, secret = organizations.create_api_token(
            name=f"only {scope}", scopes=[scope], lifetime=timedelta(days=30), actor=admin, now=NOW
        )
        world.tokens[scope] = secret
    every = {"token_id": row.pk, "membership_id": cast.birch.viewer.membership.pk}
    world.values |= every | {"contact_id": make_contact(cast.birch.verifier).pk, "secret": "txi_unknown"}
    world.of_address |= {
        "member_invitation_withdraw": {"invitation_id": invited.invitation.pk},
        "partner_invitation_withdraw": {"invitation_id": partner.invitation.pk},
        "join": {"secret": invited.secret},
        "partner_accept": {"secret": partner.secret},
    }


def _store(world: World) -> TrustStore:
    cast = world.cast
    stores.published(cast, *stores.whole()[:2])
    version = stores.published(cast, *stores.whole())
    with transaction.atomic():
        draft = StoreDraft.objects.create(
            store=version.store,
            relying=cast.birch.organization,
            kind=StoreVersion.Kind.RESTORE,
            proposed_by=cast.birch.second_officer.user,
            proposed_at=NOW,
            reason="It was withdrawn by mistake.",
        )
    consumer, world.consumer_token = consumers.registered(cast)
    of_consumer = {"name": consumer.name, "token_id": consumer.tokens.get().pk}
    merged = MergedExport.objects.create(
        relying=cast.birch.organization,
        name="everybody",
        reason="An appliance that takes one file.",
        state=MergedExport.State.OPEN,
        proposed_by=cast.birch.officer.user,
        proposed_at=NOW,
        approved_by=cast.birch.second_officer.user,
        approved_at=NOW,
    )
    merged.stores.add(version.store)
    world.values |= {
        "export_id": merged.pk,
        "organization_id": cast.cedar.organization.pk,
        "name": version.store.name,
        "extension": "pem",
        "first": 1,
        "second": 2,
        "number": 1,
        "file": "timestamp.json",
        "path": "unknown.pem",
        "list": "deny-list.json",
        "organization": "birch",
    }
    world.of_address |= {
        "api_merged_export": {"name": merged.name},
        "consumer": of_consumer,
        "store_draft": {"draft_id": draft.pk},
        "store_draft_withdraw": {"draft_id": draft.pk},
        "document": {"name": "deploy"},
        "document_part": {"name": "findings", "part": "crls"},
        "submission_file": {"part": "file"},
        "api_submission_file": {"part": "file"},
    }
    return version.store


def _calls(world: World) -> None:
    cast = world.cast
    cast.partnership.refresh_from_db()
    cast.partnership.last_verification_number = 100
    cast.partnership.save()
    call = calls.recorded(cast)
    waiting = calls.request(cast, label="Root CA G3")
    world.values |= {"request_id": waiting.pk}
    world.of_address["verification"] = {"number": call.number, "part": "call"}
    world.of_address["verification_act"] = {"number": call.number, "act": "pause"}


def _delivery(world: World) -> None:
    birch = world.cast.birch
    added = webhooks.add_endpoint(
        actor=birch.admin.actor, now=NOW, name="pager", url="https://pager.birch.example/hook", event_types=["notice.*"]
    )
    WebhookEndpoint.objects.filter(pk=added.endpoint.pk).update(state="active", proven_at=NOW)
    world.values["endpoint_id"] = added.endpoint.pk
    world.of_address["webhook_act"] = {"act": "pause"}
    world.of_address["contact_act"] = {"act": "still-right"}
    world.of_address["event"] = {
        "number": Event.objects.filter(organization_id=birch.organization.pk).earliest("pk").pk
    }


def _feed(world: World) -> None:
    token, _ = api_tokens.made(world.cast.birch, "read", name="notices")
    feed.note_read(token=token, partnership=world.cast.partnership, reached=1, user_agent="", now=NOW)
    world.values["reader_id"] = FeedReader.objects.get(token=token).pk


def _checklist(world: World) -> None:
    cast, officer = world.cast, world.cast.birch.officer.actor
    own = onboarding.add_item(
        actor=officer,
        partnership=cast.partnership,
        group="Operate",
        title="Our own",
        why="",
        needed=False,
        now=NOW,
    )
    evidence = onboarding.add_evidence(
        actor=officer, partnership=cast.partnership, key=CHECKLIST_ITEM, name="a.txt", content=b"done", note="", now=NOW
    )
    sample = negative.add_sample(
        actor=cast.birch.verifier.actor,
        partnership=cast.partnership,
        expectation="wrong_ca",
        content=make.hierarchy("Cedar").leaf.pem,
        now=NOW,
    )
    review = reviews.open_now(actor=officer, partnership=cast.partnership, now=NOW)
    finding = reviews.add_finding(
        actor=officer,
        review=review,
        title="A service sleeps",
        severity="low",
        action="Wake it",
        owner="Ines",
        due_on=(NOW + timedelta(days=14)).date(),
        now=NOW,
    )
    world.values |= {
        "key": CHECKLIST_ITEM,
        "item_id": own.pk,
        "evidence_id": evidence.pk,
        "sample_id": sample.pk,
        "finding_id": finding.pk,
    }
    world.of_address["onboarding_act"] = {"act": "complete"}
    world.of_address["api_onboarding_item"] = {"key": queries.key_of(own)}


def _papers(world: World) -> None:
    cast = world.cast
    waiver = waivers.propose(
        actor=cast.alder.officer.actor,
        partnership=cast.partnership,
        clause="4.2",
        concerns=cast.alder.organization,
        reason="The HSM is replaced in March",
        owner="Mei Tanaka",
        expires_at=NOW + timedelta(days=30),
        now=NOW,
    )
    draft = composing.compose(
        actor=cast.birch.officer.actor,
        now=NOW,
        partnership=cast.partnership,
        kind=Kind.POLICY_CHANGE,
        members={"summary": "We changed our policy.", "tlp": "TLP:AMBER"},
    )
    service = inventory.add_service_certificate(
        actor=cast.birch.verifier.actor,
        upload=make.leaf(stores.hierarchy("Birch").issuing).pem,
        service_name="payments",
        now=NOW,
    )
    world.values |= {"waiver_id": waiver.pk, "service_certificate_id": service.pk, "kind": "ca_revocation"}
    world.of_address["notice_draft"] = {"draft_id": draft.pk}
    world.of_address["notice_draft_content"] = {"draft_id": draft.pk}
    world.of_address["notice_draft_discard"] = {"draft_id": draft.pk}
    world.of_address["account_reset_password_from_key"] = {"uidb36": "1", "key": "2-3"}
    world.of_address["account_confirm_email"] = {"key": "unknown"}
    world.of_address["mfa_edit_webauthn"] = world.of_address["mfa_remove_webauthn"] = {"pk": 1}
