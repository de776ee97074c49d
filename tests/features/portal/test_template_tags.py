"""What the tags put into a page."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.template import Context, Template

NIGHT = datetime(2026, 11, 24, 3, 8, tzinfo=UTC)
SHA256 = "050D5B77CB6FCA1A705013EE4F4D7ACF69E559373EE18EA1F8841A63EC91701C"


def drawn(source: str, **context) -> str:
    return Template(source).render(Context({"now": NIGHT, **context}))


def reader(zone: str) -> SimpleNamespace:
    return SimpleNamespace(user=SimpleNamespace(time_zone=zone), now=NIGHT)


class TestFingerprint:
    def test_shows_groups_of_four_whatever_the_spacing(self):
        colons = ":".join(SHA256[at : at + 2] for at in range(0, 64, 2)).lower()

        page = drawn("{% fingerprint value %}", value=colons)

        assert "050D 5B77 CB6F CA1A" in page

    def test_spells_every_character_for_screen_readers(self):
        page = drawn("{% fingerprint value %}", value="1640F54B")

        assert '<span aria-hidden="true">1640 F54B</span>' in page
        assert '<span class="vh">1 6 4 0, F 5 4 B</span>' in page

    def test_hidden_leaves_only_the_first_and_last_group_in_the_page(self):
        page = drawn("{% fingerprint value hidden=True copy=True main=True %}", value=SHA256)

        assert "050D … 701C" in page
        assert "5B77" not in page
        assert "5 B 7 7" not in page
        assert "data-copy" not in page

    def test_short_keeps_two_groups_at_each_end(self):
        assert "050D 5B77 … EC91 701C" in drawn("{% fingerprint value short=True %}", value=SHA256)

    def test_copies_without_spaces(self):
        assert f'data-copy="{SHA256}"' in drawn("{% fingerprint value copy=True %}", value=SHA256)

    def test_drops_what_is_not_hexadecimal(self):
        assert "<script" not in drawn("{% fingerprint value copy=True %}", value="<script>AB12</script>")


class TestWhen:
    @pytest.mark.parametrize(
        ("zone", "shown"),
        [
            ("UTC", "24 Nov 2026, 06:20 UTC<"),
            ("Europe/Berlin", "24 Nov 2026, 06:20 UTC (07:20 your time)"),
            ("America/Los_Angeles", "24 Nov 2026, 06:20 UTC (23 Nov, 22:20 your time)"),
            ("Nowhere/Land", "24 Nov 2026, 06:20 UTC<"),
            ("Europe/London", "24 Nov 2026, 06:20 UTC<"),
        ],
    )
    def test_says_utc_first_and_then_the_readers_time(self, zone, shown):
        page = drawn("{% when moment %}", moment=datetime(2026, 11, 24, 6, 20, tzinfo=UTC), request=reader(zone))

        assert 'datetime="2026-11-24T06:20:00Z"' in page
        assert shown in page

    def test_follows_daylight_saving(self):
        summer = datetime(2026, 7, 1, 6, 20, tzinfo=UTC)

        assert "(07:20 your time)" in drawn("{% when moment %}", moment=summer, request=reader("Europe/London"))

    def test_says_how_long_ago_with_the_exact_moment_beside_it(self):
        page = drawn('{% when moment "ago" %}', moment=NIGHT - timedelta(hours=19))

        assert "19 h ago" in page
        assert '<span class="vh">, 23 Nov 2026, 08:08 UTC</span>' in page

    def test_says_nothing_for_no_moment(self):
        assert drawn("{% when moment %}", moment=None) == ""


class TestDuration:
    @pytest.mark.parametrize(
        ("length", "said"),
        [
            (timedelta(), "0 s"),
            (timedelta(seconds=59.9), "59 s"),
            (timedelta(minutes=1), "1 min"),
            (timedelta(minutes=59, seconds=59), "59 min"),
            (timedelta(hours=3, minutes=12), "3 h 12 min"),
            (timedelta(hours=24), "24 h"),
            (timedelta(hours=47, minutes=59), "47 h 59 min"),
            (timedelta(days=2), "2 days"),
            (timedelta(days=37), "37 days"),
            (timedelta(days=127), "4 months"),
            (timedelta(days=800), "2 years"),
            (-timedelta(minutes=41), "41 min"),
        ],
    )
    def test_is_said_as_people_say_it(self, length, said):
        assert drawn("{{ length|duration }}", length=length) == said

    def test_takes_seconds_too(self):
        assert drawn("{{ length|duration }}", length=266) == "4 min"

    def test_of_a_deadline_turns_into_overdue(self):
        assert drawn("{% left at %}", at=NIGHT + timedelta(hours=3, minutes=12)) == "3 h 12 min left"
        assert drawn("{% left at %}", at=NIGHT - timedelta(minutes=41)) == "overdue by 41 min"


class TestState:
    def test_is_word_icon_and_tint_together(self):
        page = drawn('{% state "submission" "waiting_for_call" %}')

        assert 'class="tag warn"' in page
        assert "icons.svg#phone-call" in page
        assert "Waiting for call</span>" in page

    def test_takes_enum_members_and_labels_alike(self):
        assert drawn('{% state "consumer" "Never pulled" %}') == drawn('{% state "consumer" "never-pulled" %}')

    def test_escapes_words_of_a_page(self):
        assert "&lt;b&gt;" in drawn('{% state "consumer" "behind" words %}', words="<b>")

    def test_shows_an_unknown_state_quietly(self):
        assert "Half way" in drawn('{% state "submission" "half_way" %}')


class TestNames:
    @pytest.mark.parametrize(
        ("names", "said"),
        [([], ""), (["Ana"], "Ana"), (["Ana", "Inês"], "Ana and Inês"), (["Ana", "Inês", "Sam"], "Ana, Inês and Sam")],
    )
    def test_are_joined_as_people_do(self, names, said):
        assert drawn("{{ names|sentence_list }}", names=names) == said

    @pytest.mark.parametrize(("name", "letters"), [("Ana Ribeiro", "AR"), ("Cher", "C"), ("", ""), ("a b c", "AC")])
    def test_have_initials(self, name, letters):
        assert drawn("{{ name|initials }}", name=name) == letters


class TestCommands:
    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("Run `gpg --check-sigs`.", "Run <code>gpg --check-sigs</code>."),
            ("`a` or `b`", "<code>a</code> or <code>b</code>"),
            ("An odd ` stays", "An odd ` stays"),
            ("`<script>`", "<code>&lt;script&gt;</code>"),
            ("<b>", "&lt;b&gt;"),
        ],
    )
    def test_between_backticks_look_like_code_and_nothing_else_becomes_markup(self, text, shown):
        assert drawn("{{ text|commands }}", text=text) == shown


class TestPictures:
    def test_a_row_says_in_words_what_it_draws(self):
        from portal import pictures

        window = pictures.two_years(NIGHT)
        row = pictures.bar(
            window=window,
            label="Policy CA 2",
            start=datetime(2020, 1, 1, tzinfo=UTC),
            end=datetime(2027, 3, 31, tzinfo=UTC),
        )

        page = drawn("{% percent_row window row %}", window=window, row=row)

        assert 'aria-label="Policy CA 2, ends 31 Mar 2027, expires in 4 months"' in page
        assert 'class="g-warn"' in page
        assert "style=" not in page

    def test_what_ends_after_the_window_is_clipped_with_an_arrow(self):
        from portal import pictures

        window = pictures.two_years(NIGHT)
        row = pictures.bar(window=window, label="Root", start=NIGHT, end=NIGHT + timedelta(days=7000), state="pending")

        assert row.clipped
        assert row.x + row.width <= 100
        assert "›" in drawn("{% percent_row window row %}", window=window, row=row)

    def test_the_clock_tells_everything_in_its_sentence(self):
        from portal import pictures

        start = NIGHT - timedelta(minutes=48)
        marks = [pictures.Mark(start + timedelta(minutes=30), "Level 2")]
        clock = pictures.clock(start=start, deadline=start + timedelta(hours=4), now=NIGHT, marks=marks)

        assert clock.sentence == (
            "Received 02:20, Level 2 02:50, now 03:08, deadline 06:20. All times UTC, deadline on 24 Nov 2026."
        )
        assert 2 < clock.today < 98
