"""The ring of keys that may count in one check: only one organization's, made fresh for each check.

One keyring for everybody is a cross-tenant attack: a key that adopts somebody else's subkey makes gpg
report good signatures as errors, depending on the order of import.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from trust.pki import limits
from trust.pki.openpgp import armor, components, packets
from trust.pki.openpgp.components import Component
from trust.pki.openpgp.errors import NotReadable, RingBroken


@dataclass(frozen=True, slots=True)
class RingKey:
    """A registered key: its full primary fingerprint (lower-case hex) and its stored public block."""

    fingerprint: str
    public_block: bytes


@dataclass(frozen=True, slots=True)
class Ring:
    """The opened ring: binary blocks, and the components that belong to its keys."""

    blocks: tuple[bytes, ...]
    primaries: frozenset[str]
    components: tuple[Component, ...]

    @property
    def data(self) -> bytes:
        """The ring file as gpgv reads it."""
        return b"".join(self.blocks)

    def component(self, fingerprint: str) -> Component | None:
        """The component with this full fingerprint, or None."""
        return next((item for item in self.components if item.key.fingerprint == fingerprint), None)


def opened(keys: Sequence[RingKey]) -> Ring:
    """The ring of `keys`, each checked to be the key it is filed under.

    Raises:
        RingBroken: if a stored block does not read as its fingerprint's key.
    """
    blocks, found = [], []
    for key in keys:
        try:
            data = armor.decode_or_binary(key.public_block, label=armor.PUBLIC_KEY)
            block = components.read(packets.walk(data, at_most=limits.KEY_PACKETS))
        except NotReadable as problem:
            raise RingBroken(f"The stored key {key.fingerprint} cannot be read.") from problem
        if block.primary.key.fingerprint != key.fingerprint:
            raise RingBroken(f"The block stored as key {key.fingerprint} holds another key.")
        blocks.append(data)
        found.extend([block.primary, *block.subkeys])
    return Ring(
        blocks=tuple(blocks),
        primaries=frozenset(key.fingerprint for key in keys),
        components=tuple(found),
    )
