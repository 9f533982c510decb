"""A simulated company's files as they were at an earlier moment.

Belongs here: cutting files by when their rows became known. Does not belong here: what is made of them (homes.py).
"""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

import duckdb

KNOWN_AT = {
    "mql.csv": '"Created"',
    "web_events.parquet": '"timestamp"',
    "email_events.parquet": '"timestamp"',
    "sql_leads.csv": '"Last Modified"',
    "opportunities.csv": '"Last Modified"',
    "sales_activities.csv": '"Date"',
    "product_usage.parquet": '"timestamp"',
    "product_accounts.csv": '"Updated"',
    "marketing_spend.csv": '"Day"',
    "ab_events.parquet": '"timestamp"',
}
"""When a row of a simulated file became known, as its sources.yaml says; company_reference.csv is backdated."""


def without_later_facts(sources: Path, folder: Path, as_of: datetime) -> Path:
    """Copy a simulated company's files without the rows that became known after as_of; returns sources.yaml."""
    shutil.copytree(sources.parent, folder)
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        for name, known_at in KNOWN_AT.items():
            source, target = sources.parent / name, folder / name
            read = f"read_csv('{source}', all_varchar = true)" if name.endswith(".csv") else f"'{source}'"
            kept = f"cast(cast({known_at} as timestamptz) as timestamp) <= timestamp '{as_of}'"
            counts = connection.execute(
                f"select count(*), count(*) filter (where {kept}) from {read}"
            ).fetchall()
            assert counts[0][0] > counts[0][1] > 0, f"{name}: cutting at {as_of} would show nothing"
            form = "csv, header" if name.endswith(".csv") else "parquet"
            connection.execute(f"copy (select * from {read} where {kept}) to '{target}' (format {form})")
    return folder / sources.name
