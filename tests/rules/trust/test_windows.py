"""How often somebody may come in a stretch of time."""

from trust.stores.windows import Window, Windows, left


class TestWindow:
    def test_admits_as_many_as_it_may_and_again_when_the_next_begins(self):
        window = Window()

        assert [window.admits(119.9, 60, 2) for _ in range(4)] == [True, True, False, False]
        assert [window.admits(120.0, 60, 2) for _ in range(3)] == [True, True, False]

    def test_says_when_the_next_begins(self):
        assert [left(at, 60) for at in (120.0, 120.9, 179.5)] == [60, 60, 1]


class TestWindows:
    def test_count_each_asker_apart(self):
        kept = Windows[str, Window](Window, most_kept=10)

        assert kept.of("a").admits(1.0, 60, 1)
        assert not kept.of("a").admits(1.0, 60, 1)
        assert kept.of("b").admits(1.0, 60, 1)

    def test_never_keep_more_than_they_may(self):
        kept = Windows[int, Window](Window, most_kept=10)
        for asker in range(1000):
            kept.of(asker)

        assert len(kept._kept) <= 10
