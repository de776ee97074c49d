"""A store of Birch's with Alder's CAs, whoever signs for Alder, and a notice of theirs."""

import pytest

from tests.makers import notices, stores


@pytest.fixture
def alder(cast):
    stores.published(cast)
    return notices.make_signer(cast)


@pytest.fixture
def notice(alder):
    return alder.send().notice
