"""Template tags for what nearly every page shows: fingerprints, moments, durations, states, icons and percent rows.

They are built in (``TEMPLATES["OPTIONS"]["builtins"]``), so templates use them without ``{% load %}``.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django import template
from django.http import HttpRequest
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from portal import browsers, pictures, states, words

register = template.Library()
_BETWEEN_BACKTICKS = re.compile(r"`([^`]+)`")


@register.simple_tag
def icon(name: str, size: str = "", label: str = "") -> SafeString:
    """Draw the symbol ``name`` of ``static/icons.svg``; ``size`` is "" or "s" or "l".

    Icons are decoration beside a word, and hidden from screen readers, unless ``label`` says what one stands for.
    """
    classes = f"i {size}".strip()
    address = f"{static('icons.svg')}#{name}"
    if label:
        return format_html('<svg class="{}" role="img" aria-label="{}"><use href="{}"/></svg>', classes, label, address)
    return format_html('<svg class="{}" aria-hidden="true"><use href="{}"/></svg>', classes, address)


@register.simple_tag
def state(kind: str, value: object, words: str = "", plain: bool = False) -> SafeString:
    """Show a state with the label, icon and tint of ``portal.states``. ``words`` replaces the label where a page says more
    ("Behind, v7"); ``plain`` leaves the tint away."""
    found = states.label(kind, value)
    tint = "plain" if plain else found.tint
    return tag_of(words or found.text, found.icon, tint)


@register.simple_tag(name="tag")
def tag_of(text: str, icon_name: str = "", tint: str = "") -> SafeString:
    """Show ``text`` as a label with an icon and a tint ("ok", "warn", "bad", "info", "plain" or "")."""
    drawn = icon(icon_name) if icon_name else ""
    return format_html('<span class="{}">{}{}</span>', f"tag {tint}".strip(), drawn, text)


@register.simple_tag
def copy_button(value: str, label: str = "Copy", main: bool = False) -> SafeString:
    """A button that copies ``value``, hidden until the script is there to do it. ``main`` is the one that "." presses."""
    return format_html(
        '<button class="copy" type="button" data-copy="{}"{} hidden>{}<span>{}</span></button>',
        value,
        mark_safe(" data-main") if main else "",
        icon("copy"),
        label,
    )


@register.simple_tag
def fingerprint(
    value: str, hidden: bool = False, short: bool = False, copy: bool = False, main: bool = False
) -> SafeString:
    """Show a fingerprint or serial number in groups of four, spelled out for screen readers.

    ``hidden`` leaves the first and last group and nothing else in the page: for members who have not had the call.
    ``short`` is the form for running text and lists. ``copy`` adds a copy button; ``main`` makes it the one that the "."
    key copies. ``hidden`` wins over all of them.
    """
    if hidden:
        shown = words.concealed(value)
        ends = shown.split(" … ")
        spoken = f"begins {words.spelled(ends[0])}, ends {words.spelled(ends[-1])}, the rest is hidden"
        return _fingerprint(shown, spoken)
    shown = words.shortened(value) if short else words.spaced(value)
    spoken = ", then ".join(words.spelled(part) for part in shown.split(" … "))
    drawn = _fingerprint(shown, spoken)
    if not (copy or main):
        return drawn
    return format_html("{} {}", drawn, copy_button("".join(words.groups(value)), main=main))


def _fingerprint(shown: str, spoken: str) -> SafeString:
    return format_html(
        '<span class="fp" dir="ltr"><span aria-hidden="true">{}</span><span class="vh">{}</span></span>',
        shown,
        spoken,
    )


def _now(context: Mapping[str, Any]) -> datetime:
    moment = context.get("now") or getattr(context.get("request"), "now", None)
    return moment or timezone.now()


def _reader(context: Mapping[str, Any]) -> Any:
    request: HttpRequest | None = context.get("request")
    return words.zone(getattr(getattr(request, "user", None), "time_zone", None))


@register.simple_tag(takes_context=True)
def when(context: Mapping[str, Any], moment: datetime | None, form: str = "exact") -> SafeString:
    """Show a moment as a ``<time>``: UTC first, then the reader's own.

    Forms: ``exact`` "24 Nov 2026, 06:20 UTC (07:20 your time)"; ``full`` the same and how far it is; ``day``; ``clock``
    "06:20 UTC (07:20 your time)"; ``ago`` "19 h ago", with the exact moment for screen readers and on pointing.
    Nothing at all for None.
    """
    if not moment:  # None, or what a template makes of a missing value
        return mark_safe("")
    exact, distance = words.exact(moment, _reader(context)), words.relative(moment, _now(context))
    stamp = f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    if form == "ago":
        return format_html(
            '<time datetime="{}" title="{}">{}<span class="vh">, {}</span></time>', stamp, exact, distance, exact
        )
    shown = {
        "exact": exact,
        "full": f"{exact}, {distance}",
        "day": words.day(moment),
        "clock": words.clock(moment, _reader(context)),
    }[form]
    return format_html('<time datetime="{}">{}</time>', stamp, shown)


@register.filter
def inline_svg(markup: str) -> SafeString:
    """Put an SVG that this server drew (a QR code) into the page itself, so that no ``data:`` image is needed."""
    return mark_safe(markup[markup.index("<svg") :])  # noqa: S308


@register.simple_tag
def finding_code(code: str) -> SafeString:
    """Show the code of a finding as a link to where the documentation explains it."""
    return format_html('<a class="sm" href="{}"><code>{}</code></a>', words.explained_at(code), code)


@register.filter
def commands(text: str) -> SafeString:
    """Show what stands between backticks, as commands and options do in the tables of findings, in the face of code."""
    return mark_safe(_BETWEEN_BACKTICKS.sub(r"<code>\1</code>", escape(text)))  # noqa: S308


@register.filter
def duration(value: timedelta | float | None) -> str:
    """Say a length of time (a timedelta, or seconds): "3 h 12 min"."""
    if value is None:
        return ""
    return words.duration(value if isinstance(value, timedelta) else timedelta(seconds=value))


@register.simple_tag(takes_context=True)
def left(context: Mapping[str, Any], deadline: datetime) -> str:
    """Say how much time is left until ``deadline``: "3 h 12 min left", or "overdue by 41 min"."""
    distance = deadline - _now(context)
    said = words.duration(distance)
    return f"{said} left" if distance > timedelta() else f"overdue by {said}"


@register.filter
def initials(name: object) -> str:
    """Return the two letters that stand in for a face: "Ana Ribeiro" gives "AR"."""
    parts = str(name or "").split()
    return "".join(part[0] for part in (parts[:1] + parts[-1:] if len(parts) > 1 else parts)).upper()


@register.filter
def spaced(value: str) -> str:
    """Return a fingerprint in groups of four as plain text, for mails and commands."""
    return words.spaced(value)


@register.simple_tag
def percent_row(window: pictures.Window, row: pictures.Row) -> SafeString:
    """Draw one bar of a timeline as an SVG in percent coordinates, with the row's sentence as its name."""
    grid = format_html_join(
        "", '<line class="g-grid" x1="{0}%" x2="{0}%" y1="0" y2="28"/>', ((tick.at,) for tick in window.ticks)
    )
    end = mark_safe('<text class="g-tb" x="99%" y="18" text-anchor="end">›</text>') if row.clipped else ""
    return format_html(
        '<svg role="img" aria-label="{}"><rect class="g-track" x="0" y="8" width="100%" height="12" rx="6"/>{}'
        '<rect class="g-{}" x="{}%" y="8" width="{}%" height="12" rx="{}"/>{}'
        '<line class="g-now" x1="{}%" x2="{}%" y1="0" y2="28"/></svg>',
        row.sentence,
        grid,
        row.tint,
        row.x,
        row.width,
        0 if row.clipped else 6,
        end,
        window.today,
        window.today,
    )


@register.simple_tag
def percent_axis(window: pictures.Window) -> SafeString:
    """Draw the axis above a timeline: the half-years, and where today is."""
    labels = format_html_join(
        "",
        '<text class="g-tx" x="{}%" y="13" text-anchor="{}">{}</text>',
        ((tick.at, tick.anchor, tick.text) for tick in window.ticks if tick.text),
    )
    return format_html(
        '<svg role="presentation" height="20">{}<text class="g-tb" x="{}%" y="13" text-anchor="middle">Today</text></svg>',
        labels,
        window.today,
    )


@register.filter
def common_name(subject: object) -> str:
    """Return what people call a certificate: the common name of its subject."""
    return words.common_name(str(subject))


@register.filter
def browser(user_agent: object) -> str:
    """Return a User-Agent in words: "Firefox on Linux"."""
    return browsers.in_words(str(user_agent or ""))


@register.filter
def sentence_list(values: Iterable[object]) -> str:
    """Join names as people do: "Ana", "Ana and Inês", "Ana, Inês and Sam"."""
    names = [str(each) for each in values]
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else ""


@register.simple_tag(takes_context=True)
def query(context: Mapping[str, Any], **changes: object) -> str:
    """Return this page's query string with ``changes`` applied; None takes a parameter away."""
    request: HttpRequest | None = context.get("request")
    values = request.GET.copy() if request else None
    if values is None:
        return ""
    for name, value in changes.items():
        values.pop(name, None)
        if value is not None:
            values[name] = str(value)
    return f"?{values.urlencode()}" if values else "?"
