"""The runbook of a partnership: what on-call people keep on paper, and nothing on it that is not confirmed or verified."""

import pytest

from portal import words
from tests.cast import make_contact
from tests.makers import consumers, notices, stores

ADDRESS = "/p/alder-birch/runbook/"


def page_for(person) -> str:
    answer = person.client().get(ADDRESS)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def book(cast):
    """Birch trusts Alder: a store with a service, a key verified by phone, and a contact whose number is confirmed."""
    make_contact(cast.alder.officer)
    stores.published(cast, *stores.whole())
    consumers.registered(cast)
    return notices.make_signer(cast)


class TestTheRunbook:
    def test_has_numbers_certificates_keys_services_and_who_may_remove(self, cast, book):
        page = page_for(cast.birch.verifier)

        for each in (stores.hierarchy("Alder").root, stores.hierarchy("Alder").issuing):
            assert all(group in page for group in words.groups(each.sha256))
        assert all(group in page for group in words.groups(book.holder.fingerprint))
        assert "+49 30 55501432" in page
        assert "payments-gw" in page
        assert "<bdi>Birch Officer</bdi>, <bdi>Birch Second Officer</bdi>" in page
        assert "also <bdi>Birch Responder</bdi>" in page

    def test_leaves_out_numbers_that_are_not_confirmed_and_keys_that_nobody_verified(self, cast):
        make_contact(cast.alder.officer, phone="+493055509999", confirmed_by_call_at=None)
        signer = notices.make_signer(cast, verified=False)

        page = page_for(cast.birch.officer)

        assert "5550" not in page
        assert words.groups(signer.holder.fingerprint)[4] not in page
        assert "No confirmed number yet" in page
        assert "You have verified no OpenPGP key" in page
        assert "No trust store yet" in page

    def test_masks_numbers_for_viewers_as_other_pages_do(self, cast, book):
        page = page_for(cast.birch.viewer)

        assert "55501432" not in page
        assert "Let a member with another role print it." in page

    def test_of_the_owner_names_nothing_that_only_its_partner_trusts(self, cast, book):
        page = page_for(cast.alder.officer)

        assert "No trust store yet" in page
        assert "payments-gw" not in page

    def test_does_not_exist_for_strangers(self, cast, book):
        assert cast.cedar.officer.client().get(ADDRESS).status_code == 404

    def test_is_linked_where_one_looks_for_numbers(self, cast, book):
        client = cast.birch.officer.client()

        for address in ("/p/alder-birch/", "/p/alder-birch/contacts/"):
            assert f'href="{ADDRESS}"' in client.get(address).content.decode()
