"""`leadflow init`: the home's own files, as templates or with a proposal made from a file.

Belongs here: looking at the file, having the proposal made, writing it where nothing of a person's own is lost, and
telling. Does not belong here: what is proposed (ingest/propose.py) and how the file is read (warehouse/landing/).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from leadflow.cli.editor_schemas import TEMPLATES, copy_schemas
from leadflow.errors import ConfigError, SourceError
from leadflow.settings import Settings

if TYPE_CHECKING:
    from leadflow.quality.contracts import Contracts

_PAST = timedelta(days=45)
"""A file whose newest fact is older is taken for a data set of the past, which is looked at from its newest fact."""


def write_templates(settings: Settings) -> Iterator[str]:
    """Commented sources.yaml and policy.yaml into the home, where there are none; what was done, a line each."""
    settings.ensure_home()
    copy_schemas(settings.home)
    for name in ("sources.yaml", "policy.yaml"):
        yield _written(settings.home / name, (TEMPLATES / name).read_text(encoding="utf-8"))


def write_proposal(settings: Settings, file: Path, *, table: str | None, name: str | None) -> Iterator[str]:
    """A sources.yaml proposed from a file, beside the person's own where there is one; what was done, a line each.

    Args:
        settings: of the home.
        file: CSV, JSON lines, Excel or Parquet file.
        table: raw table that its rows are for, or None to tell it from its columns.
        name: name of the source, or None to make it of the file's name.

    Raises:
        SourceError: the file is missing, unreadable or of another format.
        ConfigError: there is no such raw table, the name is not one, or an earlier proposal would be overwritten.
    """
    from leadflow.ingest.assets import fillable_columns, sources_of
    from leadflow.ingest.proposal_text import proposal_text
    from leadflow.ingest.propose import RawTable, propose
    from leadflow.ingest.sources import Source, file_format
    from leadflow.quality.contracts import load_contracts
    from leadflow.warehouse.connection import Warehouse
    from leadflow.warehouse.landing.column_profiles import profile
    from leadflow.warehouse.landing.files import scan
    from leadflow.warehouse.tables import utc_now

    contracts = load_contracts(settings.sql_dir)
    tables = {}
    for raw_table, columns in fillable_columns(contracts).items():
        contract = contracts[f"raw.{raw_table}"]
        (key,) = contract.natural_key
        types = {column.name: column.data_type for column in contract.columns if column.name in columns}
        required = tuple(
            column.name
            for column in contract.columns
            if column.name in types
            and column.name != key
            and any(test.test == "not_null" for test in column.tests)
        )
        tables[raw_table] = RawTable(types, key, required)
    wanted = None if table is None else table.removeprefix("raw.")
    if wanted is not None and wanted not in tables:
        raise ConfigError(f"--table '{table}' is no raw table", f"take one of {', '.join(tables)}")
    source_name = name or _name_of(file)
    if not re.fullmatch(r"[a-z][a-z0-9_]*", source_name):
        raise ConfigError(
            f"--name '{name}' is no name of a source",
            "begin with a small letter; small letters, digits and _ may follow",
        )
    path = file.expanduser().absolute()
    if not path.is_file():
        raise SourceError(
            f"{path} does not exist", "give --from a CSV, JSON lines, Excel or Parquet file"
        ) from None
    if "$" in str(path):
        raise SourceError(
            f"{path} has a '$' in its path, which sources.yaml takes for a variable",
            "rename the file or its folder",
        )
    target = _target(settings)
    kind = file_format(Source(name=source_name, table="mql", path=str(path), columns={}), path)
    with (
        Warehouse(Path(":memory:")).connect() as connection,
        scan(connection, path, kind, {}) as scanned,
        profile(connection, scanned) as rows,
    ):
        proposal = propose(
            rows,
            tables,
            path.name.split(".")[0],
            table=wanted,
            has_leads=target.name != "sources.yaml" and _has_leads(settings, contracts),
        )
        looked_at = f"all {rows.row_count:,} rows" if rows.is_whole else f"the first {rows.row_count:,} rows"
    is_past = proposal.newest is not None and proposal.newest < utc_now() - _PAST
    if is_past and proposal.times.known_at == "occurred_at":
        clock, why = "newest_fact", "the file's newest fact is long past, so a refresh looks from there"
    elif is_past:
        clock, why = (
            "newest_fact",
            "the file's newest fact is long past, so a refresh looks from the newest moment a row was known",
        )
    else:
        clock, why = "now", "a refresh looks from the present"
    settings.ensure_home()
    copy_schemas(settings.home)
    target.write_text(
        proposal_text(
            proposal, name=source_name, path=path, looked_at=looked_at, clock=clock, clock_reason=why
        ),
        encoding="utf-8",
    )
    sources_of(settings.model_copy(update={"sources": target}), contracts)
    yield f"Wrote {target}"
    yield _written(settings.home / "policy.yaml", (TEMPLATES / "policy.yaml").read_text(encoding="utf-8"))
    yield f"{file.name} ({looked_at} were looked at) fills raw.{proposal.table}: {proposal.table_reason}"
    extras = len((proposal.leads or proposal).extras)
    yield f"fields filled: {len(proposal.fills)}; columns that fit none, proposed as attributes in comments: {extras}"
    if proposal.leads is not None:
        yield f"The same rows fill raw.{proposal.leads.table} by a second source, with {len(proposal.leads.fills)} fields"
    for decision in proposal.decisions:
        yield f"decide  {decision}"
    own = "" if target == settings.home / "sources.yaml" else f" --sources {target}"
    if own:
        yield f"Kept {settings.home / 'sources.yaml'}: take over from {target.name} what you want"
    yield f"Next: read {target}, then `leadflow {'run' + own if own else 'doctor` and `leadflow run'}`"


def _target(settings: Settings) -> Path:
    """sources.yaml where there is none or nothing but the template, else sources.proposed.yaml where there is none."""
    own, beside = settings.home / "sources.yaml", settings.home / "sources.proposed.yaml"
    if not own.exists() or own.read_bytes() == (TEMPLATES / "sources.yaml").read_bytes():
        return own
    if not beside.exists():
        return beside
    raise ConfigError(
        f"{own} and {beside} are there already", f"take over what you want of {beside.name} and remove it"
    )


def _has_leads(settings: Settings, contracts: Contracts) -> bool:
    """Whether the person's own sources.yaml gives leads; of one that is wrong nothing is known."""
    from leadflow.ingest.assets import sources_of
    from leadflow.ingest.sources import no_leads

    try:
        return no_leads(sources_of(settings, contracts)) is None
    except ConfigError:
        return False


def _name_of(file: Path) -> str:
    stem = re.sub(r"[^a-z0-9]+", "_", file.name.split(".")[0].casefold()).strip("_")
    return stem if re.match(r"[a-z]", stem) else f"source_{stem}".rstrip("_")


def _written(path: Path, text: str) -> str:
    """Write a file unless it is there; a person's own settings are never overwritten."""
    if path.exists():
        return f"Kept {path}"
    path.write_text(text, encoding="utf-8")
    return f"Wrote {path}"
