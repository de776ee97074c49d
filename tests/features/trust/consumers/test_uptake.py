"""What the partner's services run of one's certificates: numbers, if the agreement in force shares them, and nobody's name."""

import pytest

from tests.makers import agreements
from tests.makers import consumers as make
from tests.makers import stores as make_stores
from trust.agreements.rules import preset_terms
from trust.consumers import queries, rules
from trust.consumers.recording import record_pulls
from trust.stores.serve.pulls import Pull


@pytest.fixture
def pulled(cast, now):
    make_stores.published(cast)
    made, _ = make.registered(cast, "payments-gw")
    make.registered(cast, "recon-batch")
    record_pulls([Pull(made.pk, make.store_of(cast).pk, None, now, 1, 1, "")])


def agree(cast, shares: bool) -> None:
    terms = preset_terms("guide", ("alder", "birch"))
    terms["sharing"]["consumer_counts"] = shares
    agreements.in_force(cast, terms=terms)


class TestUptake:
    def test_is_shown_to_the_owner_of_the_certificates_as_numbers(self, cast, now, pulled):
        agree(cast, shares=True)

        (uptake,) = queries.shared_with(cast.alder.organization, now)

        assert (uptake.current, uptake.total) == (1, 2)
        assert uptake.counts[rules.State.NEVER_PULLED] == 1
        page = cast.alder.viewer.client().get("/trust-stores/").content.decode()
        assert "Your certificates at your partners" in page
        api = cast.alder.viewer.client().get("/api/v1/uptake")
        assert api.json()[0]["counts"]["never_pulled"] == 1
        assert api.json()[0]["store"] == "alder-prod"
        shown = page.partition('id="uptake"')[2].partition("</section>")[0]
        assert '<span class="mono">alder-prod</span> v1' in shown
        assert '<td data-label="Never pulled" class="num">1</td>' in shown
        for text in (page, api.content.decode()):
            assert "payments-gw" not in text
            assert "recon-batch" not in text

    @pytest.mark.parametrize("how", ["no agreement", "not shared"])
    def test_is_hidden_unless_the_agreement_says_so(self, cast, now, pulled, how):
        if how == "not shared":
            agree(cast, shares=False)

        assert queries.shared_with(cast.alder.organization, now) == []
        assert "Your certificates at" not in cast.alder.viewer.client().get("/trust-stores/").content.decode()

    def test_is_nobody_elses(self, cast, now, pulled):
        agree(cast, shares=True)

        assert queries.shared_with(cast.cedar.organization, now) == []
        assert queries.shared_with(cast.birch.organization, now) == []
