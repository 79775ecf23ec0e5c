"""Dates as people write them, and as decimal years in which rates are stated."""

import calendar
import datetime as dt
import math
import re

MONTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)  # 29 February counts as 1 March
YEARS = range(1900, 2200)  # all of which fit an array of dates in nanoseconds
FORMS = "YYYY-MM-DD, YYYY-MM or YYYY"
_PATTERN = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")


def last_day(text: str | dt.date) -> dt.date:
    """The last day a date can mean: what is known as of "2025-12" is known by 2025-12-31.

    Raises ValueError for a date in another form, outside the calendar or outside YEARS.
    """
    day = _last_day(text)
    if day.year not in YEARS:
        raise ValueError(f"{day} is not in a year from {YEARS[0]} to {YEARS[-1]}")
    return day


def _last_day(text: str | dt.date) -> dt.date:
    if isinstance(text, dt.datetime):
        return text.date()
    if isinstance(text, dt.date):
        return text
    match = _PATTERN.fullmatch(str(text))
    if match is None:
        raise ValueError(f"{text!r} is not a date of the form {FORMS}")
    year, month, day = (int(part) if part else None for part in match.groups())
    if day is not None:
        return dt.date(year, month, day)
    month = 12 if month is None else month
    return dt.date(year, month, calendar.monthrange(year, month)[1])


def decimal_year(date: dt.date) -> float:
    """A date in years of twelve equal months, so that the same day a year on is exactly 1 later."""
    return date.year + (date.month - 1 + (date.day - 1) / MONTHS[date.month - 1]) / 12


def date_of(year: float) -> dt.date:
    """The day on which a decimal year falls; of `decimal_year` the inverse."""
    months = year * 12 + 1e-6  # a moment later: rounding must not lose a day
    whole, month = divmod(math.floor(months), 12)
    return dt.date(whole, month + 1, 1 + math.floor(months % 1 * MONTHS[month]))
