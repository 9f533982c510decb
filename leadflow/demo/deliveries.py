"""The same facts as a sequence of files, such as sources deliver them hour after hour, whatever they do.

Belongs here: which rows are in which file. Does not belong here: the versions of rows that change (versions.py).

Every source delivers one file per slot, slots of equal length. Some rows come late, some come twice in overlapping
files, whole files come twice under two names, and files are numbered in another order than their slots. In whatever
order they are landed, the end is that of the plain files.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from leadflow.demo.columns import Ints
from leadflow.demo.files import CSV_INSTANT, write_parts
from leadflow.demo.versions import CHANGING, IS_DELETED, versions_of

MOST_DELIVERIES = 366
LATE_SHARE = 0.03
OVERLAP_SHARE = 0.04
REPEAT_SHARE = 0.15
"""Of the files: those that come again under another name, from the first to the last byte."""
MOST_EVENTS = 5_000_000
"""Web and e-mail events that deliveries are made of; they are held in memory."""
_MOST_SLOTS_LATE = 3

# By source, the column with the moment that decides on the slot; None where every file is all there is.
_MOMENTS: dict[str, str | None] = {
    "mql.csv": "Created",
    "sql_leads.csv": "known_at",
    "opportunities.csv": "known_at",
    "product_accounts.csv": "known_at",
    "sales_activities.csv": "Date",
    "marketing_spend.csv": "Day",
    "web_events.parquet": "timestamp",
    "email_events.parquet": "timestamp",
    "product_usage.parquet": "timestamp",
    "ab_events.parquet": "timestamp",
    "company_reference.csv": None,
    "sales_reps.csv": None,
    "blocklist.csv": None,
}
_FOR_TRUTH_ONLY = ("known_at", "version", "is_final")


@dataclass(frozen=True)
class _Slots:
    """Slots of equal length from `starts_at` to `end` (seconds since 1970)."""

    count: int
    starts_at: int
    end: int

    def of(self, seconds: Ints) -> Ints:
        """The slot of each moment; what is before the first is in the first."""
        slot = (seconds - self.starts_at) * self.count // (self.end - self.starts_at)
        return np.clip(slot, 0, self.count - 1)


def write_deliveries(
    out_dir: Path, streams: Callable[[str, int], np.random.Generator], count: int, starts_at: int, end: int
) -> Path:
    """Write `deliveries/` from the plain files in `out_dir`: a folder per source with `count` files and more.

    And the truth of it: truth/deliveries.parquet, one row per file (source, file, slot, row_count, late_count,
    overlap_count, repeat_of), and truth/versions_TABLE.parquet of the tables whose rows change.

    Returns: the sources.yaml of the deliveries.
    """
    folder, truth = out_dir / "deliveries", out_dir / "truth"
    slots = _Slots(count, starts_at, end)
    told: list[dict[str, str | int | None]] = []
    for number, (name, moment) in enumerate(_MOMENTS.items()):
        table, suffix = name.split(".")
        rng = streams("deliveries", number)
        into = folder / table
        if into.exists():
            shutil.rmtree(into)
        into.mkdir(parents=True)
        if moment is None:
            told += _whole(out_dir / name, into, count)
            continue
        parts: Iterator[pl.DataFrame]
        if table in CHANGING:
            last = pl.read_csv(out_dir / name, infer_schema=False)
            versions = versions_of(rng, last, CHANGING[table], end)
            write_parts(truth / f"versions_{table}.parquet", [versions])
            parts = iter([versions])
        elif suffix == "csv":
            parts = iter([pl.read_csv(out_dir / name, infer_schema=False)])
        else:
            parts = _row_groups(out_dir / name)
        told += _parted(rng, parts, into, suffix, moment, slots)
    write_parts(truth / "deliveries.parquet", [pl.DataFrame(told, infer_schema_length=None)])
    return _write_sources(out_dir / "sources.yaml", folder)


def _parted(
    rng: np.random.Generator,
    parts: Iterator[pl.DataFrame],
    into: Path,
    suffix: str,
    moment: str,
    slots: _Slots,
) -> list[dict[str, str | int | None]]:
    """Spread the rows over files by slot; returns what truth/deliveries.parquet says of them."""
    # A file's number is its place in the order of arrival: about where its slot is, and often not quite.
    order = np.argsort(np.arange(slots.count) + rng.uniform(0, 2.5, slots.count), kind="stable")
    arrival = np.empty(slots.count, dtype=np.int64)
    arrival[order] = np.arange(slots.count)
    pieces: list[list[pl.DataFrame]] = [[] for _ in range(slots.count)]
    late_counts, overlap_counts = np.zeros((2, slots.count), dtype=np.int64)
    for part in parts:
        at = part[moment]
        seconds = (at.str.to_datetime(CSV_INSTANT) if at.dtype == pl.String else at).dt.epoch("s").to_numpy()
        own = slots.of(seconds)
        delay = rng.integers(1, _MOST_SLOTS_LATE + 1, len(own)) * (rng.random(len(own)) < LATE_SHARE)
        slot = np.minimum(own + delay, slots.count - 1)
        is_late = slot > own
        again = np.flatnonzero((rng.random(len(own)) < OVERLAP_SHARE) & (slot < slots.count - 1))
        late_counts += np.bincount(slot[is_late], minlength=slots.count)
        overlap_counts += np.bincount(slot[again] + 1, minlength=slots.count)
        rows = np.concatenate([np.arange(len(own)), again])
        where = np.concatenate([slot, slot[again] + 1])
        sorted_rows = rows[np.argsort(where, kind="stable")]
        ends = np.cumsum(np.bincount(where, minlength=slots.count))
        given = part.drop(*_FOR_TRUTH_ONLY, strict=False)
        for number, piece in enumerate(pieces):
            begins = ends[number - 1] if number else 0
            if ends[number] > begins:
                piece.append(given[sorted_rows[begins : ends[number]].tolist()])
    told: list[dict[str, str | int | None]] = []
    for number, piece in enumerate(pieces):
        if not piece:
            continue
        path = into / f"{arrival[number]:04d}.{suffix}"
        rows_written = write_parts(path, piece)
        about: dict[str, str | int | None] = {
            "source": into.name,
            "slot": number,
            "row_count": rows_written,
            "late_count": int(late_counts[number]),
            "overlap_count": int(overlap_counts[number]),
        }
        told.append({"file": path.name, **about, "repeat_of": None})
        if rng.random() < REPEAT_SHARE:
            copy = path.with_stem(f"{slots.count + arrival[number]:04d}_again")
            shutil.copyfile(path, copy)
            told.append({"file": copy.name, **about, "repeat_of": path.name})
    return told


def _whole(path: Path, into: Path, count: int) -> list[dict[str, str | int | None]]:
    """A full export at the beginning and, where there are several deliveries, the same at the end."""
    told: list[dict[str, str | int | None]] = []
    rows = pl.scan_csv(path, infer_schema=False).select(pl.len()).collect().item()
    for slot in sorted({0, count - 1}):
        copy = into / f"{slot:04d}{path.suffix}"
        shutil.copyfile(path, copy)
        about: dict[str, str | int | None] = {"file": copy.name, "source": into.name, "slot": slot}
        repeated = None if slot == 0 else f"0000{path.suffix}"
        told.append({**about, "row_count": rows, "late_count": 0, "overlap_count": 0, "repeat_of": repeated})
    return told


def _row_groups(path: Path) -> Iterator[pl.DataFrame]:
    """The parts that a Parquet file was written by."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            yield pl.DataFrame(file.read_row_group(group))


def _write_sources(plain: Path, folder: Path) -> Path:
    """The mapping of the plain files, with folders for paths and the mark of deleted rows."""
    text = plain.read_text(encoding="utf-8")
    for name in _MOMENTS:
        table, suffix = name.split(".")
        deleted = f"\n    deleted: {{column: {IS_DELETED}}}" if table in CHANGING else ""
        text = text.replace(f"path: {name}\n", f"path: {table}/*.{suffix}{deleted}\n")
    sources = folder / "sources.yaml"
    sources.write_text(text, encoding="utf-8")
    return sources
