"""Dates and times: ISO 8601 text or Python objects; times are aware and in UTC."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

from leafmesh_nb.language.mismatch import TypeMismatch, mismatch

__all__ = ["check_date", "check_datetime", "in_utc"]

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
_DATETIME = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?\Z",
    re.ASCII | re.IGNORECASE,
)


def check_date(value: Any, lenient: bool = False) -> date:
    """A date from a date or from ``2025-01-31``; leniently from a time at midnight, too."""
    if isinstance(value, datetime):
        if lenient and (value.hour, value.minute, value.second, value.microsecond) == (0, 0, 0, 0):
            return date(value.year, value.month, value.day)
        raise TypeMismatch("is a date with a time, and a date is needed")
    if isinstance(value, date):
        return date(value.year, value.month, value.day)
    if not isinstance(value, str):
        raise mismatch("a date", value)
    text = value.strip() if lenient else str.__str__(value)
    if _DATE.match(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise TypeMismatch("is text that is no day of the calendar") from None
    raise TypeMismatch("is text that is not a date such as 2025-01-31")


def check_datetime(value: Any, lenient: bool = False) -> datetime:
    """A time in UTC from a datetime or ISO 8601 text; leniently from a date, too (midnight)."""
    if isinstance(value, datetime):
        return in_utc(value)
    if isinstance(value, date) and lenient:
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if not isinstance(value, str):
        raise mismatch("a date with a time", value)
    text = (value.strip() if lenient else str.__str__(value)).upper()
    if _DATETIME.match(text) or (lenient and _DATE.match(text)):
        try:
            return in_utc(datetime.fromisoformat(text))
        except ValueError:
            raise TypeMismatch("is text that is no time of the calendar") from None
    raise TypeMismatch("is text that is not a time such as 2025-01-31T12:30:00Z")


def in_utc(value: datetime) -> datetime:
    """A plain, aware datetime in UTC, whatever subclass came in; a naive one is taken as UTC."""
    try:
        moment = datetime.combine(date(value.year, value.month, value.day), value.timetz())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (OverflowError, TypeError, ValueError):
        raise TypeMismatch("is a time outside the years 1 to 9999 in UTC") from None
