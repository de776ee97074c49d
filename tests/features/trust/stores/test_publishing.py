"""A version comes to be: composed, written, read back, served."""

import hashlib
import io
import json
import zipfile
from datetime import timedelta

import pytest
from django.db import transaction

from portal import errors
from portal.audit.models import Event
from tests.makers import agreements, certificates
from tests.makers import stores as make
from trust.stores import compositions, proposals, publishing, queries, services
from trust.stores.models import Artifact, StoreDraft, StoreVersion


class TestPublish:
    def test_makes_version_one_with_every_format(self, cast):
        version = make.published(cast)

        assert (version.number, version.adds, version.store.name) == (1, 3, "alder-prod")
        assert version.store.current_number == 1
        assert {"pem", "json", "anchors.pem"} <= set(version.artifacts.values_list("format", flat=True))

    def test_keeps_where_each_certificate_comes_from(self, cast):
        version = make.published(cast)

        document = json.loads(bytes(version.artifacts.get(format="json").content))
        root = document["certificates"][0]
        assert root["role"] == "anchor"
        assert root["provenance"]["signer_fingerprint"] == make.SIGNER
        assert version.submission
        assert root["provenance"]["submission_sha256"] == version.submission.content_sha256
        assert root["provenance"]["verification"]

    def test_writes_down_which_names_the_agreement_allows_where_a_format_can_say_so(self, cast):
        first = make.published(cast)
        assert json.loads(bytes(first.artifacts.get(format="json").content))["constraints"] is None
        names = {"trust_domains": ["alder.example"], "dns_suffixes": ["alder.example"], "subject_organizations": []}
        agreement = agreements.in_force(cast, terms=agreements.make_identity(**names))

        second = make.published(cast, certificates.root("Second"))

        said = {"agreement": agreement.version, **names}
        assert json.loads(bytes(second.artifacts.get(format="json").content))["constraints"] == said
        with zipfile.ZipFile(io.BytesIO(bytes(second.artifacts.get(format="der.zip").content))) as archive:
            assert json.loads(archive.read("manifest.json"))["constraints"] == said
        listed = cast.birch.viewer.client().get("/api/v1/trust-stores/alder-prod/versions/2").json()
        assert {"constraints", "purpose"} <= set(listed["artifacts"]["pem"]["loses"])
        assert listed["artifacts"]["json"]["loses"] == []

    def test_tells_the_log_the_digest_of_each_artifact(self, cast):
        version = make.published(cast)

        event = Event.objects.get(kind="store.published")
        for artifact in version.artifacts.all():
            assert event.data["artifacts"][artifact.format] == artifact.sha256
            assert hashlib.sha256(bytes(artifact.content)).hexdigest() == artifact.sha256

    def test_refuses_an_addition_with_one_person_behind_it(self, cast, now):
        root, policy, issuing = make.whole()
        make.published(cast, root, policy)
        draft_without_call = make.submission(cast, issuing)

        with pytest.raises(errors.NotAllowed) as refused, transaction.atomic():
            store = publishing.lock(queries.get(cast.birch.organization, "alder-prod"))
            places = list(draft_without_call.places.all())
            publishing.publish(
                store=store,
                composition=compositions.of_submission(store, draft_without_call, places, now),
                kind=StoreVersion.Kind.SUBMISSION,
                actor=cast.birch.officer.actor,
                now=now,
                reason="Alone.",
            )

        assert refused.value.code == "second_person_required"
        assert StoreVersion.objects.count() == 1


class TestWithdrawCertificates:
    def withdraw(self, cast, now, *made, actor=None, **more):
        store = queries.get(cast.birch.organization, "alder-prod")
        return services.withdraw_certificates(
            store=store,
            certificates=[each.sha256 for each in made],
            actor=actor or cast.birch.officer.actor,
            now=now,
            reason="Compromised.",
            **more,
        )

    def test_takes_one_person_and_asks_for_a_review_within_a_day(self, cast, now):
        make.published(cast)
        issuing = make.hierarchy().issuing

        version = self.withdraw(cast, now, issuing)

        assert (version.number, version.removes) == (2, 1)
        assert version.review_due_at == now + timedelta(hours=24)
        assert issuing.der not in bytes(version.artifacts.get(format="pem").content)

    def test_takes_what_hangs_below_along(self, cast, now):
        tiers, other = make.hierarchy(), make.hierarchy("Other")
        make.published(cast)
        make.published(cast, *make.whole("Other"))

        version = self.withdraw(cast, now, tiers.root)

        left = {entry.certificate_id for entry in version.entries.all()}
        assert left == {other.root.sha256, other.policy.sha256, other.issuing.sha256}

    def test_never_empties_a_store_by_accident(self, cast, now):
        make.published(cast)

        with pytest.raises(errors.Conflict) as refused:
            self.withdraw(cast, now, make.hierarchy().root)

        assert refused.value.code == "store_would_be_empty"
        assert StoreVersion.objects.count() == 1

    def test_empties_a_store_when_that_is_said(self, cast, now):
        make.published(cast)

        version = self.withdraw(cast, now, make.hierarchy().root, empty_store=True)

        assert version.withdrawal
        assert bytes(version.artifacts.get(format="pem").content) == b""
        assert json.loads(bytes(version.artifacts.get(format="json").content))["withdrawn"] is True

    def test_lets_a_responder_remove_only_what_a_verified_notice_names(self, cast, now):
        make.published(cast)
        issuing, policy = make.hierarchy().issuing, make.hierarchy().policy
        responder = cast.birch.responder.actor
        notice = services.NoticeGrounds("AL-2026-001", frozenset({issuing.sha256}), key_verified=True)

        for given, made in [(None, issuing), (notice, policy)]:
            with pytest.raises(errors.NotAllowed):
                self.withdraw(cast, now, made, actor=responder, emergency_notice=given)

        assert self.withdraw(cast, now, issuing, actor=responder, emergency_notice=notice).number == 2

    def test_is_not_for_strangers(self, cast, now):
        make.published(cast)

        for person in (cast.cedar.officer, cast.alder.officer):
            with pytest.raises(errors.NotFound):
                self.withdraw(cast, now, make.hierarchy().issuing, actor=person.actor)

    def test_is_reviewed_by_somebody_else(self, cast, now):
        make.published(cast)
        version = self.withdraw(cast, now, make.hierarchy().issuing)

        with pytest.raises(errors.NotAllowed):
            services.review_removal(version=version, actor=cast.birch.officer.actor, now=now)
        services.review_removal(version=version, actor=cast.birch.second_officer.actor, now=now)

        assert not queries.waiting_reviews(cast.birch.organization).exists()


class TestRestore:
    @pytest.fixture
    def removed(self, cast, now):
        make.published(cast)
        store = queries.get(cast.birch.organization, "alder-prod")
        issuing = make.hierarchy().issuing
        services.withdraw_certificates(
            store=store,
            certificates=[issuing.sha256],
            actor=cast.birch.officer.actor,
            now=now,
            reason="Compromised.",
        )
        return issuing

    def propose(self, cast, now, made):
        store = queries.get(cast.birch.organization, "alder-prod")
        return proposals.restore(
            store=store,
            certificates=[made.sha256],
            actor=cast.birch.officer.actor,
            now=now,
            reason="It was a drill.",
        )

    def test_takes_two_people_and_makes_a_new_version(self, cast, now, removed):
        draft = self.propose(cast, now, removed)

        with pytest.raises(errors.NotAllowed):
            proposals.publish_draft(draft=draft, actor=cast.birch.officer.actor, now=now)
        version = proposals.publish_draft(draft=draft, actor=cast.birch.second_officer.actor, now=now)

        assert (version.number, version.adds) == (3, 1)
        assert version.entries.filter(certificate_id=removed.sha256).exists()

    def test_does_not_happen_by_sending_the_bundle_again(self, cast, now, removed):
        with pytest.raises(errors.Conflict) as refused:
            make.published(cast)

        assert refused.value.code == "no_difference"

    def test_is_refused_when_the_key_is_no_longer_verified(self, cast, now, removed):
        draft = self.propose(cast, now, removed)
        make.VerificationRequest.objects.filter(item_kind="openpgp_key").update(state="quarantined")

        with pytest.raises(errors.Conflict) as refused:
            proposals.publish_draft(draft=draft, actor=cast.birch.second_officer.actor, now=now)

        assert refused.value.code == "key_not_verified"
        assert StoreVersion.objects.count() == 2

    def test_is_the_same_for_going_back_to_an_earlier_version(self, cast, now, removed):
        store = queries.get(cast.birch.organization, "alder-prod")
        draft = proposals.publish_again(
            store=store, number=1, actor=cast.birch.officer.actor, now=now, reason="As before."
        )
        assert isinstance(draft, StoreDraft)

        version = proposals.publish_draft(draft=draft, actor=cast.birch.second_officer.actor, now=now)

        assert version.number == 3
        first = Artifact.objects.get(version__number=1, format="pem")
        assert bytes(version.artifacts.get(format="pem").content) == bytes(first.content)
