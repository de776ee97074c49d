"""No bytes make a reader do anything but read or refuse. A short run at random; `make fuzz` looks for longer."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.doors import DOORS, Door

each_door = pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)


@st.composite
def spoiled(draw: st.DrawFn, seeds: tuple[bytes, ...]) -> bytes:
    """One of the seeds with a few bytes changed, cut out, doubled or put in."""
    content = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.integers(0, 40)))
        content[start:end] = draw(st.one_of(st.binary(max_size=40), st.just(bytes(content[start:end]) * 2)))
    return bytes(content)


@each_door
class TestDoor:
    @settings(max_examples=60, deadline=None)
    @given(content=st.binary(max_size=600))
    def test_takes_any_bytes(self, door: Door, content: bytes):
        door.knock(content)

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    @given(data=st.data())
    def test_takes_what_was_good_before_somebody_changed_it(self, door: Door, data: st.DataObject):
        door.knock(data.draw(spoiled(door.seeds())))

    def test_takes_its_seeds(self, door: Door):
        for seed in door.seeds():
            door.knock(seed)
