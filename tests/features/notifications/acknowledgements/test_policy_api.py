"""The escalation policy over the API: read, replaced and tried, by the rules of its page."""

from datetime import timedelta

import pytest
from django.utils import timezone

from notifications.acknowledgements import queries, rules
from notifications.acknowledgements.models import EscalationPolicy
from portal.audit.models import Event
from portal.organizations import tokens
from portal.organizations.models import ApiToken
from portal.organizations.rules import Scope

ADDRESS = "/api/v1/escalation-policy"
STEPS = [
    {"after_minutes": 0, "who": ["responders"]},
    {"after_minutes": 15, "who": ["officers", "admins"], "tell_sender": True},
]


def put(person, steps, address=ADDRESS, method="put"):
    return getattr(person.client(), method)(address, {"steps": steps}, content_type="application/json")


def preview(person, steps):
    return put(person, steps, f"{ADDRESS}/preview", "post")


class TestRead:
    def test_gives_the_default_with_names_and_clocks(self, cast):
        found = cast.birch.viewer.client().get(ADDRESS).json()

        assert [each["after_minutes"] for each in found["steps"]] == [0, 30, 90]
        assert cast.birch.officer.user.name in found["steps"][1]["told"]
        urgent = found["clocks"][0]
        assert [(each["mark"], each["after_seconds"]) for each in urgent["moments"]] == [
            ("remind", 900),
            ("escalate", 1800),
            ("escalate", 5400),
            ("overdue", 14400),
        ]
        assert urgent["moments"][2]["tell_sender"]

    def test_is_of_the_own_organization(self, cast):
        put(cast.birch.admin, STEPS)

        assert len(cast.alder.viewer.client().get(ADDRESS).json()["steps"]) == 3


class TestReplace:
    def test_counts_from_now_on_and_is_in_the_log(self, cast):
        answer = put(cast.birch.admin, STEPS)

        assert answer.status_code == 200
        assert [each["after_minutes"] for each in answer.json()["steps"]] == [0, 15]
        assert queries.policy_of(cast.birch.organization)[1].tell_sender
        assert Event.objects.filter(kind="acknowledgement.policy_changed").count() == 1

    def test_takes_a_member_by_id(self, cast):
        member = str(cast.birch.responder.membership.pk)

        answer = put(cast.birch.admin, [{"after_minutes": 0, "who": [member]}])

        assert answer.json()["steps"][0]["told"] == [cast.birch.responder.user.name]

    @pytest.mark.parametrize("person", ["officer", "verifier", "responder", "viewer"])
    def test_is_for_admins(self, cast, person):
        assert put(getattr(cast.birch, person), STEPS).status_code == 403
        assert preview(getattr(cast.birch, person), STEPS).status_code == 403
        assert not EscalationPolicy.objects.exists()

    def test_is_in_no_tokens_scope(self, cast, now, client):
        secret, hint, digest = tokens.make(tokens.API_PREFIX)
        ApiToken.objects.create(
            organization=cast.birch.organization,
            name="everything",
            hint=hint,
            digest=digest,
            created_at=now,
            expires_at=timezone.now() + timedelta(days=1),
            scopes=[each.value for each in Scope],
            created_by=cast.birch.admin.user,
        )

        answer = client.put(
            ADDRESS, {"steps": STEPS}, content_type="application/json", headers={"Authorization": f"Bearer {secret}"}
        )

        assert answer.status_code == 403
        assert client.get(ADDRESS, headers={"Authorization": f"Bearer {secret}"}).status_code == 200

    @pytest.mark.parametrize(
        ("steps", "status"),
        [
            ([], 400),
            ("responders", 400),
            ([{"after_minutes": 0, "who": []}], 400),
            ([{"after_minutes": 0, "who": "responders"}], 400),
            ([{"after_minutes": 5, "who": ["responders"]}], 400),
            ([{"after_minutes": 0, "who": ["responders"]}] * 2, 400),
            ([{"after_minutes": 0, "who": ["responders"]}, {"after_minutes": 721, "who": ["admins"]}], 400),
            ([{"after_minutes": n, "who": ["admins"]} for n in range(7)], 400),
            ([{"after_minutes": -1, "who": ["admins"]}], 400),
            ([{"after_minutes": "soon", "who": ["admins"]}], 400),
            ([{"who": ["admins"]}], 400),
            ([None], 400),
        ],
    )
    def test_refuses_what_cannot_be_used(self, cast, steps, status):
        for answer in (put(cast.birch.admin, steps), preview(cast.birch.admin, steps)):
            assert answer.status_code == status
            assert answer["Content-Type"].startswith("application/problem+json")
        assert not EscalationPolicy.objects.exists()

    def test_refuses_a_stranger(self, cast):
        steps = [{"after_minutes": 0, "who": [str(cast.alder.responder.membership.pk)]}]

        for answer in (put(cast.birch.admin, steps), preview(cast.birch.admin, steps)):
            assert (answer.status_code, answer.json()["code"]) == (400, "policy_stranger")


class TestPreview:
    def test_answers_what_replacing_would_and_changes_nothing(self, cast, now):
        seen = preview(cast.birch.admin, STEPS)

        assert seen.status_code == 200
        assert not EscalationPolicy.objects.exists()
        assert not Event.objects.filter(kind="acknowledgement.policy_changed").exists()
        assert seen.json() == put(cast.birch.admin, STEPS).json()

    def test_shows_the_clocks_that_the_page_draws(self, cast):
        labels = [each["label"] for each in preview(cast.birch.admin, STEPS).json()["clocks"]]

        page = cast.birch.admin.client().get("/notices/escalation/").content.decode()
        assert labels == [each.label for each in rules.EXAMPLES]
        assert all(label in page for label in labels)
