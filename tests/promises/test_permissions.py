"""Every address, asked by everybody, answers what the table beside this file says; the table keeps the rules of the portal.

A new address fails here until it has rows: ``python -m tests.promises.permissions`` writes them. Read them before you commit.
"""

import pytest
from django.db import transaction

from portal.organizations.rules import RESPONDER, SCOPE_RIGHTS, Right, Role, Scope
from portal.organizations.rules import may as role_may
from tests.makers import world as worlds
from tests.promises import permissions
from tests.promises.permissions import LOGIN, MEMBERS, OTHERS, PEOPLE, PROGRAMS, may

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(900)]
ADDRESSES = list(permissions.addresses())
TABLE = permissions.read()
API = {key: row for key, row in TABLE.items() if row["route"].startswith("/api/v1/") and row["right"]}
OF_ORGANIZATIONS = {key: row for key, row in TABLE.items() if not may(row["nobody"])}
ROLES = {who: Role.MEMBER if who == RESPONDER else Role(who) for who in MEMBERS}
# What any member may do: their own things, trying things out, telling the partner, and what only the two people of a call may,
# whatever their roles. All else that changes something needs a right.
OF_EVERY_MEMBER = {
    "api_agreement_try", "agreement_try", "api_onboarding_nudge", "api_store_check_chain", "trust_store_try", "notice_opened",
    "inbox_read", "inbox_read_all", "profile", "switch_organization", "api_mail_preference", "mail_preference",
    "mail_own_key", "mail_works", "verification_act", "verification_group", "verification_sign", "audit_verify",
}  # fmt: skip


@pytest.fixture(scope="module")
def asker(django_db_setup, django_db_blocker):
    """Everybody, in one world for the whole file; nothing of it is kept."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield permissions.Asker(worlds.made())
        transaction.set_rollback(True)


def differences(asker, who) -> list[str]:
    """Return what is answered otherwise than the table says, a line each."""
    return [
        f"{method} {address.route}: {each} gets {answer}, the table says {TABLE[address.name, method][each]}"
        for address in ADDRESSES
        for method in permissions.methods(address)
        if (address.name, method) in TABLE
        for each, answer in permissions.found(
            asker, address, method, [each for each in permissions.columns(address) if each in who]
        ).items()
        if answer != TABLE[address.name, method][each]
    ]


class TestEveryAddress:
    def test_has_a_row_and_every_row_an_address(self):
        named = {(address.name, method) for address in ADDRESSES for method in permissions.methods(address)}

        assert {address.name for address in ADDRESSES} - {name for name, _ in TABLE} == set()
        assert set(TABLE) - named == set()

    def test_offers_no_method_without_a_row(self, asker):
        offered = [
            f"{method} {address.route} ({address.name})"
            for address in ADDRESSES
            for method in permissions.methods(address)
            if (address.name, method) not in TABLE and permissions.offered(asker, address, method)
        ]

        assert offered == []

    @pytest.mark.parametrize("who", [MEMBERS, OTHERS, PROGRAMS], ids=["members", "others", "programs"])
    def test_answers_what_the_table_says(self, asker, who):
        wrong = differences(asker, who)

        assert wrong == [], "\n".join([*wrong, "python -m tests.promises.permissions writes the table anew."])


# Who has the right is refused because it is their own proposal; the approval by another is in tests/features.
OF_A_SECOND_PERSON = {"api_merged_export_approval"}


class TestTheTable:
    def test_has_no_mistake_of_the_portal(self):
        wrong = {key for key, row in TABLE.items() if any(row[who].startswith("5") for who in (*PEOPLE, *PROGRAMS))}

        # Without workers the portal is not ready, which is what it says.
        assert wrong == {("readyz", "GET")}

    def test_gives_each_role_what_its_right_says(self):
        for (name, method), row in API.items():
            right = Right(row["right"])
            for who, role in ROLES.items():
                if not role_may(right, role=role, responder=who == RESPONDER):
                    assert row[who] == "403", (name, method, who)
                elif right is not Right.READ and name not in OF_A_SECOND_PERSON:
                    assert may(row[who]), (name, method, who)

    def test_gives_each_token_what_its_scope_says(self):
        for (name, method), row in API.items():
            for scope in Scope:
                if Right(row["right"]) not in SCOPE_RIGHTS[scope] and scope is not Scope.STORES:
                    assert row[scope.value] in ("401", "403"), (name, method, scope)

    def test_lets_a_viewer_change_nothing_that_needs_a_right(self):
        changed = {name for (name, method), row in OF_ORGANIZATIONS.items() if method != "GET" and may(row["viewer"])}

        assert {name for name in changed if not name.startswith(("account_", "mfa_"))} - OF_EVERY_MEMBER == set()

    def test_shows_a_stranger_nothing_of_two_partners(self):
        for (name, method), row in OF_ORGANIZATIONS.items():
            if "<slug>" in row["route"]:
                assert not may(row["stranger"]), (name, method)

    def test_keeps_the_operator_out_of_every_organization(self):
        for (name, method), row in API.items():
            assert not may(row["operator"]), (name, method)

    def test_sends_nobody_to_the_sign_in(self):
        for (name, method), row in OF_ORGANIZATIONS.items():
            assert row["nobody"] in ("401", LOGIN, "404", "405"), (name, method)

    def test_is_told_in_the_documentation(self):
        assert permissions.DOCUMENT.read_text(encoding="utf-8") == permissions.text()
