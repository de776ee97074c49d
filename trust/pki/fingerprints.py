"""Fingerprints as people write, read aloud and compare them.

A fingerprint is the only name of a key or certificate. Short key IDs are never accepted: finding a second
key with the same 32 bits takes minutes.
"""

import re
import unicodedata

from trust.pki.pgp_words import EVEN_WORDS, ODD_WORDS

# v4 OpenPGP keys (SHA-1, 20 bytes); certificates and v6 OpenPGP keys (SHA-256, 32 bytes).
LENGTHS = frozenset({40, 64})
GROUP = 4

# The ICAO alphabet for the letters that hex has. "Niner" is the spoken 9, since "nine" is heard as "five".
_SPOKEN = {
    "0": "Zero",
    "1": "One",
    "2": "Two",
    "3": "Three",
    "4": "Four",
    "5": "Five",
    "6": "Six",
    "7": "Seven",
    "8": "Eight",
    "9": "Niner",
    "a": "Alfa",
    "b": "Bravo",
    "c": "Charlie",
    "d": "Delta",
    "e": "Echo",
    "f": "Foxtrot",
}


class NotAFingerprint(ValueError):
    """The text is not a full fingerprint; the message says why."""


def normalized(text: str) -> str:
    """The fingerprint in `text` as lower-case hex, whatever spacing, case, colons or ``0x`` it came with.

    Normalizing twice changes nothing.

    Raises:
        NotAFingerprint: if it is not 40 or 64 hex digits.
    """
    plain = "".join("" if unicodedata.category(char) == "Zs" else char for char in text)
    compact = re.sub(r"[\s:\-]", "", plain).lower().removeprefix("0x")
    if not re.fullmatch(r"[0-9a-f]*", compact):
        raise NotAFingerprint("A fingerprint has only the digits 0 to 9 and the letters A to F.")
    if len(compact) in (8, 16):
        raise NotAFingerprint("This is a short key ID, which can be forged. The full fingerprint is needed.")
    if len(compact) not in LENGTHS:
        raise NotAFingerprint(f"A fingerprint has 40 or 64 characters; this has {len(compact)}.")
    return compact


def groups(fingerprint: str) -> tuple[str, ...]:
    """The fingerprint in upper-case groups of four: 10 for a v4 OpenPGP key, 16 for a certificate."""
    digits = normalized(fingerprint).upper()
    return tuple(digits[start : start + GROUP] for start in range(0, len(digits), GROUP))


def grouped(fingerprint: str) -> str:
    """The fingerprint as people see it: ``9CAD 5E8D ... 048D E07B``, in full."""
    return " ".join(groups(fingerprint))


def short(fingerprint: str) -> str:
    """First and last group, ``9CAD … E07B``: for recognizing, never for deciding."""
    parts = groups(fingerprint)
    return f"{parts[0]} … {parts[-1]}"


def spoken(text: str) -> str:
    """Hex digits as they are said: ``3857`` is "Three Eight Five Seven".

    Raises:
        NotAFingerprint: for anything but hex digits (spaces are skipped).
    """
    try:
        return " ".join(_SPOKEN[char] for char in text.lower() if not char.isspace())
    except KeyError:
        raise NotAFingerprint("A fingerprint has only the digits 0 to 9 and the letters A to F.") from None


def words(fingerprint: str) -> tuple[str, ...]:
    """The fingerprint in the PGP word list: one word a byte, two and three syllables in turn.

    The alternation lets a listener notice a word that was left out, repeated or swapped.
    """
    data = bytes.fromhex(normalized(fingerprint))
    return tuple((ODD_WORDS if position % 2 else EVEN_WORDS)[byte] for position, byte in enumerate(data))


def from_words(text: str) -> str:
    """The fingerprint that the words in `text` spell, as lower-case hex.

    Raises:
        NotAFingerprint: naming the first word that is unknown or stands at the wrong place.
    """
    said = text.replace(",", " ").split()
    data = bytes(_byte(word, position) for position, word in enumerate(said))
    return normalized(data.hex())


def group_from_words(text: str) -> str:
    """The group of four hex digits that two words spell; each group starts with a word of two syllables.

    Raises:
        NotAFingerprint: if there are not two words, or one is unknown or stands at the wrong place.
    """
    said = text.replace(",", " ").split()
    if len(said) != 2:
        raise NotAFingerprint(f"A group is 2 words; these are {len(said)}.")
    return bytes(_byte(word, position) for position, word in enumerate(said)).hex()


def _byte(word: str, position: int) -> int:
    here, other = (_ODD, _EVEN) if position % 2 else (_EVEN, _ODD)
    key = word.lower()
    if key in here:
        return here[key]
    if key in other:
        raise NotAFingerprint(f"Word {position + 1} ({key}) is out of place: a word before it is missing or extra.")
    raise NotAFingerprint(f"Word {position + 1} is not in the list.")


_EVEN = {word.lower(): value for value, word in enumerate(EVEN_WORDS)}
_ODD = {word.lower(): value for value, word in enumerate(ODD_WORDS)}
