"""Pictures that are drawn on the server: rows of percent coordinates, so that text never scales and rows reflow.

Each picture answers a question faster than its table; the table is one link away. Plain Python: values in, numbers out.
``templates/parts/timeline.html`` and ``parts/clock.html`` turn them into SVG without any inline style.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from portal.words import day, duration

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# Labels nearer than this would run into each other at 390 px.
_LABEL_ROOM = 9.0


@dataclass(frozen=True)
class Tick:
    """A grid line at ``at`` percent with its label; ``anchor`` is the SVG text anchor."""

    at: float
    text: str
    anchor: str = "middle"


@dataclass(frozen=True)
class Window:
    """The span of time that a timeline shows."""

    start: datetime
    end: datetime
    now: datetime

    def at(self, moment: datetime) -> float:
        """Return where ``moment`` is, in percent of the width, held to 0..100."""
        share = (moment - self.start) / (self.end - self.start) * 100
        return round(min(max(share, 0.0), 100.0), 2)

    @property
    def today(self) -> float:
        return self.at(self.now)

    @property
    def ticks(self) -> list[Tick]:
        """Half-year grid lines; the label is left out where "Today" already stands."""
        found = []
        for year in range(self.start.year, self.end.year + 1):
            for month in (1, 7):
                moment = datetime(year, month, 1, tzinfo=UTC)
                if self.start < moment <= self.end:
                    found.append(self._tick(moment))
        return found

    def _tick(self, moment: datetime) -> Tick:
        at = self.at(moment)
        text = str(moment.year) if moment.month == 1 else _MONTHS[moment.month - 1]
        return Tick(at, "" if abs(at - self.today) < _LABEL_ROOM else text, "end" if at > 97 else "middle")


def two_years(now: datetime) -> Window:
    """Return the usual window of an expiry picture: three months back, twenty-four months ahead."""
    return Window(start=now - timedelta(days=91), end=now + timedelta(days=731), now=now)


@dataclass(frozen=True)
class Row:
    """One bar: from ``x`` over ``width`` percent. ``sentence`` says the same in words for those who do not see it."""

    label: str
    aside: str
    value: str
    sentence: str
    tint: str
    x: float
    width: float
    clipped: bool
    url: str = ""


def bar(
    *,
    window: Window,
    label: str,
    start: datetime,
    end: datetime,
    state: str = "",
    stopped: datetime | None = None,
    url: str = "",
) -> Row:
    """Return the row for something that is in force from ``start`` until ``end``.

    ``state`` is "pending" for what is not trusted yet, "revoked" for what was ended at ``stopped``, else "".
    """
    last = min(end, stopped) if stopped else end
    x = window.at(start)
    return Row(
        label=label,
        aside=_aside(state, end, window.now),
        value="Revoked" if state == "revoked" else day(end),
        sentence=_sentence(label, state, end, stopped, window.now),
        tint=_tint(state, end, window.now),
        x=x,
        width=round(max(window.at(last) - x, 0.6), 2),
        clipped=last > window.end,
        url=url,
    )


# The first of the warnings before expiry; see the onboarding and certificate rules for the others.
_SOON = timedelta(days=150)


def _tint(state: str, end: datetime, now: datetime) -> str:
    if state == "revoked" or end <= now:
        return "bad"
    if state == "pending":
        return "off"
    return "warn" if end - now < _SOON else "ok"


def _aside(state: str, end: datetime, now: datetime) -> str:
    if state == "pending":
        return "pending"
    if state == "revoked" or end - now >= _SOON:
        return ""
    return f"{duration(end - now)} left" if end > now else "expired"


def _sentence(label: str, state: str, end: datetime, stopped: datetime | None, now: datetime) -> str:
    if state == "revoked":
        return f"{label}, revoked {day(stopped)}" if stopped else f"{label}, revoked"
    if end <= now:
        return f"{label}, expired {day(end)}"
    pending = ", not yet trusted" if state == "pending" else ""
    soon = f", expires in {duration(end - now)}" if end - now < _SOON else ""
    return f"{label}{pending}, ends {day(end)}{soon}"


@dataclass(frozen=True)
class Mark:
    """Something that happened, or will, on the way to a deadline."""

    moment: datetime
    text: str


@dataclass(frozen=True)
class PlacedMark:
    """A mark with its place: ``at`` percent, above or below the line (``y``), text ``anchor``, passed or still ahead."""

    at: float
    y: int
    anchor: str
    time: str
    text: str
    passed: bool
    optional: bool


@dataclass(frozen=True)
class Clock:
    """How much of the time is gone, and who was told: the picture of a notice."""

    start: datetime
    deadline: datetime
    now: datetime
    marks: tuple[PlacedMark, ...]
    sentence: str

    @property
    def elapsed(self) -> float:
        """Percent of the line that is filled."""
        return round(self.today - 2, 2)

    @property
    def height(self) -> int:
        """Pixels that the picture needs, for as many rows of labels as there are below the line."""
        return max(LABELS_Y, *(each.y for each in self.marks)) + 8

    @property
    def today(self) -> float:
        return _along(self.now, self.start, self.deadline)

    @property
    def now_top(self) -> int:
        """Pixels at which the line of "now" begins: below the labels of the two ends where it would go through one."""
        crossed = any(reach(each)[0] <= self.today <= reach(each)[1] for each in (self.marks[0], self.marks[-1]))
        return ENDS_Y + 5 if crossed else 2

    @property
    def now_anchor(self) -> str:
        return "end" if self.today > 75 else "start"


# The rows of a clock, in pixels: "now" has one of its own above the two ends, levels have up to three below the line.
ENDS_Y, LABELS_Y, ROW, ROWS = 28, 72, 15, 3
# Percent of the line that one letter takes where the picture is narrowest, on a phone: 6 of 300 pixels.
LETTER = 2.0
GAP = 2.0


def _along(moment: datetime, start: datetime, deadline: datetime) -> float:
    share = (moment - start) / (deadline - start) if deadline > start else 1.0
    return round(2 + 96 * min(max(share, 0.0), 1.0), 2)


def clock(*, start: datetime, deadline: datetime, now: datetime, marks: Iterable[Mark] = ()) -> Clock:
    """Return the clock of something received at ``start`` that has to be answered by ``deadline``.

    ``marks`` are the moments between: reminders, levels. Their labels go below the line, the two ends above it.
    """
    between = sorted(marks, key=lambda each: each.moment)
    placed = [
        _place(Mark(start, "Received"), start, deadline, now, ENDS_Y),
        *_in_rows(_place(each, start, deadline, now, LABELS_Y) for each in between),
        _place(Mark(deadline, "Deadline"), start, deadline, now, ENDS_Y),
    ]
    return Clock(start, deadline, now, tuple(placed), _say(start, deadline, now, between))


def _place(mark: Mark, start: datetime, deadline: datetime, now: datetime, y: int) -> PlacedMark:
    at, time = _along(mark.moment, start, deadline), _hour(mark.moment, deadline - start)
    half = LETTER * len(f"{time} {mark.text}") / 2
    return PlacedMark(
        at=at,
        y=y,
        anchor="start" if at < half else "end" if at > 100 - half else "middle",
        time=time,
        text=mark.text,
        passed=mark.moment <= now,
        # On a phone only what is still ahead keeps its label; the list below has everything.
        optional=mark.moment <= now,
    )


def _hour(moment: datetime, span: timedelta) -> str:
    """The time of day, with the day where the clock runs over more than one."""
    text = f"{moment.astimezone(UTC):%H:%M}"
    return text if span <= timedelta(days=1) else f"{moment.day} {moment.astimezone(UTC):%b} {text}"


def _in_rows(placed: Iterable[PlacedMark]) -> Iterable[PlacedMark]:
    """Put each label into the first row where it touches no other; one for which there is no room keeps its dot alone."""
    ends = [-GAP] * ROWS
    for each in placed:
        begin, end = reach(each)
        row = next((number for number, taken in enumerate(ends) if taken + GAP <= begin), None)
        if row is None:
            yield replace(each, time="", text="", optional=True)
            continue
        ends[row] = end
        yield replace(each, y=LABELS_Y + ROW * row)


def reach(mark: PlacedMark) -> tuple[float, float]:
    """Return from where to where the label of a mark goes, in percent, on a phone."""
    width = LETTER * len(f"{mark.time} {mark.text}")
    begin = mark.at - {"start": 0.0, "middle": width / 2, "end": width}[mark.anchor]
    return begin, begin + width


def _say(start: datetime, deadline: datetime, now: datetime, marks: Iterable[Mark]) -> str:
    parts = [(start, "received"), *((each.moment, each.text) for each in marks), (now, "now"), (deadline, "deadline")]
    parts.sort(key=lambda each: each[0])
    told = ", ".join(f"{text} {_hour(moment, deadline - start)}" for moment, text in parts)
    return f"{told[0].upper()}{told[1:]}. All times UTC, deadline on {day(deadline)}."
