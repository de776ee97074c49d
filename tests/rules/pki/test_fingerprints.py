"""A fingerprint is the same fingerprint in every way that people write and say it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust.pki import fingerprints
from trust.pki.pgp_words import EVEN_WORDS, ODD_WORDS

PUBLISHED = "E582 94F2 E9A2 2748 6E8B 061B 31CC 528F D7FA 3F19"
PUBLISHED_WORDS = (
    "topmost Istanbul Pluto vagabond treadmill Pacific brackish dictator goldfish Medusa afflict bravado chatter "
    "revolver Dupont midsummer stopwatch whimsical cowbell bottomless"
)
PLAIN = "e58294f2e9a227486e8b061b31cc528fd7fa3f19"

any_fingerprint = st.binary(min_size=20, max_size=20) | st.binary(min_size=32, max_size=32)


@pytest.mark.parametrize(
    "written",
    [
        PUBLISHED,
        PLAIN,
        PLAIN.upper(),
        "0x" + PLAIN,
        "e5:82:94:f2:e9:a2:27:48:6e:8b:06:1b:31:cc:52:8f:d7:fa:3f:19",
        "E582 94F2 E9A2 2748 6E8B  061B 31CC 528F D7FA 3F19\n",
        "E582\u00a094F2 E9A2 2748\t6E8B 061B 31CC-528F-D7FA-3F19",
    ],
)
def test_every_way_of_writing_is_one_fingerprint(written):
    assert fingerprints.normalized(written) == PLAIN


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("D7FA3F19", "short key ID"),
        ("31CC528FD7FA3F19", "short key ID"),
        (PLAIN[:-1], "this has 39"),
        (PLAIN + "0", "this has 41"),
        ("", "this has 0"),
        (PLAIN[:-1] + "g", "digits 0 to 9"),
        (PLAIN[:-1] + "\uff11", "digits 0 to 9"),
    ],
)
def test_what_is_no_full_fingerprint_is_refused(written, why):
    with pytest.raises(fingerprints.NotAFingerprint, match=why):
        fingerprints.normalized(written)


@given(any_fingerprint)
def test_normalizing_twice_changes_nothing(data):
    once = fingerprints.normalized(data.hex())

    assert fingerprints.normalized(once) == once


@given(any_fingerprint)
def test_grouping_loses_nothing(data):
    assert fingerprints.normalized(fingerprints.grouped(data.hex())) == data.hex()


@given(any_fingerprint)
def test_words_spell_the_fingerprint_back(data):
    assert fingerprints.from_words(" ".join(fingerprints.words(data.hex()))) == data.hex()


def test_the_published_example_comes_out_word_for_word():
    assert " ".join(fingerprints.words(PUBLISHED)) == PUBLISHED_WORDS


def test_a_word_that_was_left_out_is_noticed():
    said = PUBLISHED_WORDS.split()
    del said[3]

    with pytest.raises(fingerprints.NotAFingerprint, match=r"Word 4 \(treadmill\) is out of place"):
        fingerprints.from_words(" ".join(said))


def test_a_word_that_is_in_no_list_is_named_by_its_place():
    with pytest.raises(fingerprints.NotAFingerprint, match="Word 1 is not in the list"):
        fingerprints.from_words("rhubarb Istanbul")


def test_the_lists_have_256_different_words_each():
    assert len({word.lower() for word in EVEN_WORDS}) == len({word.lower() for word in ODD_WORDS}) == 256
    assert not {word.lower() for word in EVEN_WORDS} & {word.lower() for word in ODD_WORDS}


def test_groups_are_said_in_the_alphabet_of_radio():
    assert fingerprints.spoken("9C5f") == "Niner Charlie Five Foxtrot"


def test_the_short_form_shows_first_and_last_group():
    assert fingerprints.short(PUBLISHED) == "E582 … 3F19"
