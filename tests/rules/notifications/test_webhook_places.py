"""Who has how many places: no endpoint takes those of the others, and slow ones, however many, none at all once they are known."""

from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notifications.webhooks import places
from notifications.webhooks.places import Places

LATER = 100.0


@dataclass(frozen=True)
class Post:
    endpoint: str
    number: int = 0


def waiting(held: Places, *posts: Post, start_by: float = LATER) -> None:
    for each in posts:
        held.add(each, start_by)


def many(endpoint: str, count: int) -> list[Post]:
    return [Post(endpoint, number) for number in range(count)]


def begun(held: Places, now: float = 0.0) -> list[str]:
    return [each.post.endpoint for each in held.begin(now)[0]]


class TestAnEndpoint:
    def test_that_never_answered_is_tried_with_one(self):
        held: Places = Places(paces={})
        waiting(held, *many("new", 30))

        assert begun(held) == ["new"] * places.UNKNOWN

    def test_that_answers_soon_has_its_share_and_no_more(self):
        held: Places = Places(paces={"quick": True})
        waiting(held, *many("quick", 30))

        assert begun(held) == ["quick"] * places.PER_ENDPOINT

    def test_takes_turns_with_the_others(self):
        held: Places = Places(count=6, paces={"a": True, "b": True, "c": True})
        waiting(held, *many("a", 9), *many("b", 9), *many("c", 1))

        assert begun(held) == ["a", "b", "c", "a", "b", "a"]

    def test_known_to_be_slow_takes_no_place(self):
        held: Places = Places(count=1, paces={"slow": False, "quick": True})
        waiting(held, *many("slow", 30), *many("quick", 1))

        assert sorted(begun(held)) == ["quick", *["slow"] * places.ROOM_PER_ENDPOINT]

    def test_that_is_not_answered_soon_gives_its_place_away(self):
        held: Places = Places(count=1, paces={})
        waiting(held, Post("hangs"), Post("quick"))
        [place], _ = held.begin(0.0)

        held.linger(place)

        assert begun(held) == ["quick"]

    def test_is_quick_again_once_it_answers_soon(self):
        paces = {"was-slow": False}
        held: Places = Places(paces=paces)
        waiting(held, Post("was-slow"))
        [place], _ = held.begin(0.0)

        held.leave(place, soon=True)

        assert paces == {"was-slow": True}

    def test_stays_slow_when_a_post_was_not_tried(self):
        paces = {"slow": False}
        held: Places = Places(paces=paces)
        waiting(held, Post("slow"))
        [place], _ = held.begin(0.0)

        held.leave(place, soon=None)

        assert paces == {"slow": False}


class TestWhatIsPutOff:
    def test_is_what_could_not_begin_in_time(self):
        held: Places = Places(count=0, paces={})
        waiting(held, Post("late", 1), start_by=5.0)
        waiting(held, Post("late", 2), start_by=15.0)

        assert held.begin(10.0) == ([], [Post("late", 1)])

    def test_is_what_a_slow_endpoint_has_too_many_of_the_newest_first(self):
        held: Places = Places(paces={"slow": False})
        waiting(held, *many("slow", places.SLOW_QUEUE + 2))

        _, put_off = held.begin(0.0)

        assert [each.number for each in put_off] == [places.SLOW_QUEUE + 1, places.SLOW_QUEUE]


def test_a_hundred_endpoints_that_hang_cost_the_others_two_seconds():
    """The bound that docs/measurements/fanout.md states: in each second as many move to the room as there are places."""
    held: Places = Places(paces={"quick": True})
    waiting(held, *(Post(f"hangs-{number}") for number in range(100)), *many("quick", 10))
    seconds, started = 0, held.begin(0.0)[0]

    while not any(each.post.endpoint == "quick" for each in started):
        for each in started:
            held.linger(each)
        seconds += 1
        started, _ = held.begin(float(seconds))

    assert seconds <= 2


MOVES = st.lists(
    st.tuples(st.sampled_from(["add", "begin", "linger", "soon", "late", "untried"]), st.integers(0, 7)), max_size=40
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(MOVES)
def test_whatever_happens_nobody_has_more_than_its_share_and_every_post_comes_out_once(moves):
    held: Places = Places(count=6, per_endpoint=3, paces={})
    added, out, under_way = 0, 0, []
    for move, number in moves:
        if move == "add":
            waiting(held, Post(f"e{number % 4}", added))
            added += 1
        elif move == "begin":
            started, put_off = held.begin(0.0)
            under_way += started
            out += len(started) + len(put_off)
        elif under_way:
            place = under_way[number % len(under_way)]
            if move == "linger":
                held.linger(place)
            else:
                under_way.remove(place)
                held.leave(place, soon={"soon": True, "late": False, "untried": None}[move])
        assert sum(not each.in_room for each in under_way) <= 6
        for endpoint in {each.post.endpoint for each in under_way}:
            assert sum(each.post.endpoint == endpoint for each in under_way) <= places.ROOM_PER_ENDPOINT
    left, put_off = held.begin(0.0)
    under_way += left
    out += len(left) + len(put_off)
    while under_way:
        held.leave(under_way.pop(), soon=True)
        started, _ = held.begin(0.0)
        under_way += started
        out += len(started)
    assert out == added
