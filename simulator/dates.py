"""Dates as people write them, and as decimal years in which rates are stated."""

import datetime as dt
import re

MONTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)  # 29 February counts as 1 March
FORMS = "YYYY-MM-DD, YYYY-MM or YYYY"
_PATTERN = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")


def last_day(text: str | dt.date) -> dt.date:
    """The last day a date can mean: what is known as of "2025-12" is known by 2025-12-31.

    Raises ValueError for a date in another form or outside the calendar.
    """
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
    first_after = dt.date(year + (month in (12, None)), (month or 12) % 12 + 1, 1)
    return first_after - dt.timedelta(days=1)


def decimal_year(date: dt.date) -> float:
    """A date in years of twelve equal months, so that the same day a year on is exactly 1 later."""
    return date.year + (date.month - 1 + (date.day - 1) / MONTHS[date.month - 1]) / 12
