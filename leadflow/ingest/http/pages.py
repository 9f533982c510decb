"""What a fetch gives: pages of records, and where to go on.

Belongs here: what rest.py and hubspot.py share. Does not belong here: asking (api.py) and landing (land.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

Record = dict[str, Any]
State = Mapping[str, Any]

_MOST_SECONDS = 100_000_000_000
"""A greater number of seconds would be a year beyond 5000: it is milliseconds."""


@dataclass(frozen=True)
class Page:
    """Records that were fetched together.

    Attributes:
        records: the records.
        state: where to go on once all records up to these have landed; None where that stays as it was.
    """

    records: Sequence[Record]
    state: State | None


def instant(value: object) -> datetime | None:
    """An instant as APIs write it, in UTC: ISO 8601 (without an offset it is UTC), or seconds or milliseconds."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            seconds = value / 1000 if abs(value) > _MOST_SECONDS else value
            return datetime.fromtimestamp(seconds, UTC)
        if isinstance(value, str):
            if value.isdigit() and len(value) >= 9:
                return instant(int(value))
            moment = datetime.fromisoformat(value)
            return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None


def written(moment: datetime, style: str) -> str | int:
    """An instant as an API wants it: iso, date, epoch_seconds, epoch_milliseconds, or by strftime's letters.

    Rounded down, so that nothing is left out that was changed within the same second or day.
    """
    if style == "epoch_seconds":
        return milliseconds(moment) // 1000
    if style == "epoch_milliseconds":
        return milliseconds(moment)
    if style == "date":
        return moment.date().isoformat()
    if style == "iso":
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return moment.strftime(style)


def milliseconds(moment: datetime) -> int:
    """Whole milliseconds since 1970."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
