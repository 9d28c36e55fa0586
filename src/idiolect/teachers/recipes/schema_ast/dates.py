"""Days and spans of days as people say them, counted from a current day.

Weeks begin on Monday. "In the last 7 days" is from seven days ago on; "last month" is the calendar's. Every
expression has its words in `phrases.toml`. This module writes no sentence.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta

FIRST, LAST = date(2022, 1, 3), date(2027, 12, 20)  # current days that queries are asked on


@dataclass(frozen=True, slots=True)
class Span:
    """An expression and the days that it covers; a single day starts and ends at once."""

    name: str
    start: date
    end: date
    number: int = 0


def any_today(rng: random.Random) -> date:
    """A current day."""
    return FIRST + timedelta(days=rng.randrange((LAST - FIRST).days))


def any_day(rng: random.Random, today: date) -> Span:
    """One day, by its date or as seen from today."""
    kind = rng.random()
    if kind < 0.5:
        day = today + timedelta(days=rng.randint(-900, 120))
        return Span("", day, day)
    if kind < 0.6:
        return Span("today", today, today)
    if kind < 0.72:
        day = today - timedelta(days=1)
        return Span("yesterday", day, day)
    if kind < 0.77:
        day = today - timedelta(days=2)
        return Span("two_days_before", day, day, 2)
    if kind < 0.9:
        number = rng.randint(2, 20)
        day = today - timedelta(days=number)
        return Span("days_ago", day, day, number)
    number = rng.randint(2, 8)
    day = today - timedelta(weeks=number)
    return Span("weeks_ago", day, day, number)


def recent_span(rng: random.Random, today: date) -> Span:
    """The last days or weeks up to now, which have a start and no end."""
    if rng.random() < 0.7:
        number = rng.choice((3, 5, 7, 10, 14, 15, 30, 45, 60, 90))
        return Span("last_days", today - timedelta(days=number), today, number)
    number = rng.randint(2, 10)
    return Span("last_weeks", today - timedelta(weeks=number), today, number)


def any_span(rng: random.Random, today: date) -> Span:
    """A week, month, quarter or year, as seen from today or by its name; or from one day to another."""
    name = rng.choice(_SPANS)
    if name == "this_week":
        start = today - timedelta(days=today.weekday())
        return Span(name, start, start + timedelta(days=6))
    if name == "last_week":
        start = today - timedelta(days=today.weekday() + 7)
        return Span(name, start, start + timedelta(days=6))
    if name in ("this_month", "last_month", "month"):
        back = {"this_month": 0, "last_month": 1, "month": rng.randint(2, 40)}[name]
        year, month = divmod(today.year * 12 + today.month - 1 - back, 12)
        return Span(name, date(year, month + 1, 1), _month_end(year, month + 1))
    if name == "quarter":
        year, quarter = today.year - rng.randint(0, 2), rng.randint(1, 4)
        return Span(name, date(year, 3 * quarter - 2, 1), _month_end(year, 3 * quarter), quarter)
    if name in ("this_year", "last_year", "year"):
        year = today.year - {"this_year": 0, "last_year": 1, "year": rng.randint(2, 6)}[name]
        return Span(name, date(year, 1, 1), date(year, 12, 31))
    start = today - timedelta(days=rng.randint(20, 700))
    return Span("", start, start + timedelta(days=rng.randint(3, 200)))


_SPANS = (
    *("this_week", "last_week", "this_month", "last_month", "last_month", "month"),
    *("month", "quarter", "this_year", "last_year", "year", "", "", ""),
)


def _month_end(year: int, month: int) -> date:
    following = date(year + month // 12, month % 12 + 1, 1)
    return following - timedelta(days=1)
