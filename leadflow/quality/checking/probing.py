"""Finding out which expectations run on DuckDB, by running each.

Belongs here: building the catalogue from the installed Great Expectations. Does not belong here: the cases that are run
(probes.py) and reading the catalogue (contract/catalogue.py). Nothing but `python -m leadflow.quality.contract.catalogue` and tests
use this module.
"""

from __future__ import annotations

import contextlib
import inspect
import re
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from leadflow.quality.checking import expectation_queries
from leadflow.quality.checking.expectations import (
    QueryFailedError,
    Session,
    import_great_expectations,
    open_session,
)
from leadflow.quality.checking.plans import FailingRowsQuery, NativeExpectation, plan_makers
from leadflow.quality.checking.probes import PROBE_SQL, PROBE_TABLE, PROBES
from leadflow.quality.contract.arguments import (
    Specification,
    signature_specifications,
    specification,
    with_default,
)

if TYPE_CHECKING:
    import sqlalchemy as sa

# Fields that every expectation has, or that belong to other back ends; none is an argument of a test.
_NOT_ARGUMENTS = {
    *(
        "id",
        "meta",
        "notes",
        "result_format",
        "description",
        "catch_exceptions",
        "rendered_content",
        "windows",
    ),
    *("batch_id", "expectation_context", "severity", "condition_parser", "library_metadata"),
}
# Shared with the native expectations; the runner honours them for queries too.
_ADDED_TO_QUERIES = ("mostly", "row_condition")
_LONGEST_REASON = 160


def build_catalogue() -> dict[str, Any]:
    """The catalogue as JSON holds it: Great Expectations' version, and every core expectation by name.

    An expectation that has no probe, or whose probes do not come out as they should, is unsupported.
    """
    great_expectations = import_great_expectations()
    from great_expectations.expectations.registry import (
        get_expectation_impl,
        list_registered_expectation_implementations,
    )

    names = sorted(list_registered_expectation_implementations())
    with probe_engine() as engine, open_session(engine) as session:
        view = session.view(f"select * from {PROBE_TABLE}")
        entries = {name: _entry(session, view, name, get_expectation_impl(name)) for name in names}
    return {"great_expectations": great_expectations.__version__, "expectations": entries}


@contextlib.contextmanager
def probe_engine() -> Generator[sa.Engine]:
    """An engine on a DuckDB database in memory that holds the probe tables."""
    import sqlalchemy as sa

    engine = sa.create_engine("duckdb:///:memory:", poolclass=sa.pool.StaticPool)
    with engine.connect() as connection:
        for statement in PROBE_SQL.split(";"):
            connection.exec_driver_sql(statement)
        connection.commit()
    try:
        yield engine
    finally:
        engine.dispose()


def _entry(session: Session, view: str, name: str, implementation: Any) -> dict[str, Any]:
    query_maker = plan_makers(expectation_queries).get(name)
    own = _model_arguments(implementation)
    native_reason = _native_reason(session, view, name, {"column", *own})
    runs, reason = ("native", "") if native_reason is None else ("unsupported", native_reason)
    if query_maker is not None:
        query_reason = _query_reason(session, view, name)
        runs, reason = (
            ("as_query", native_reason or "") if query_reason is None else ("unsupported", query_reason)
        )
        # Great Expectations' specifications know limits that a signature cannot say.
        taken = signature_specifications(query_maker)
        own = {
            key: {name: value for name, value in own.get(key, wanted).items() if name != "default"}
            | {name: wanted[name] for name in ("required", "default") if name in wanted}
            for key, wanted in taken.items()
        } | {key: own[key] for key in _ADDED_TO_QUERIES if key in own}
    parents = {parent.__name__ for parent in inspect.getmro(implementation)}
    domain = "table"
    for prefix, found in (("Column", "column"), ("ColumnPair", "pair"), ("Multicolumn", "multi")):
        if parents & {f"{prefix}MapExpectation", f"{prefix}AggregateExpectation"}:
            domain = found
    if domain == "table" and "column" in implementation.__fields__:
        domain = "column"
    return {
        "description": _first_sentence(inspect.getdoc(implementation) or ""),
        "domain": domain,
        # In a database a column has one type, so a wrong type is no matter of single rows.
        "is_row_wise": name == "unexpected_rows_expectation"
        or ("_type" not in name and any(parent.endswith("MapExpectation") for parent in parents)),
        "runs": runs,
        "reason": reason,
        "arguments": dict(sorted(own.items())),
    }


def _model_arguments(implementation: Any) -> dict[str, Specification]:
    """Argument specifications from the fields of an expectation's (pydantic 1) model."""
    return {
        name: with_default(specification(field.outer_type_, is_required=bool(field.required)), field.default)
        for name, field in implementation.__fields__.items()
        if name not in _NOT_ARGUMENTS and name != "column"
    }


def _native_reason(session: Session, view: str, name: str, known: set[str]) -> str | None:
    """Why Great Expectations cannot run the expectation on DuckDB itself, or None where it can."""
    if name not in PROBES:
        return "it has no probe"
    for probe, is_passing in zip(PROBES[name], (True, False), strict=True):
        arguments = {key: value for key, value in probe.items() if key in known}
        outcome = session.validate(
            view, {name: NativeExpectation(name, arguments)}, {"result_format": "BASIC"}
        )[name]
        if outcome.error is not None:
            return _shortened(outcome.error)
        if outcome.is_passed is not is_passing:
            return f"it {'failed' if is_passing else 'passed'} a case that should {'pass' if is_passing else 'fail'}"
    return None


def _query_reason(session: Session, view: str, name: str) -> str | None:
    """Why leadflow's query for the expectation does not do, or None where it does."""
    for arguments, is_passing in zip(PROBES.get(name, ()), (True, False), strict=True):
        own = dict(arguments)
        subject = (view, own.pop("column")) if "column" in own else (view,)
        plan = plan_makers(expectation_queries)[name](*subject, **own)
        if not isinstance(plan, FailingRowsQuery):
            return "its query is no query"
        try:
            has_rows = session.counts(f"({plan.sql})", [])[None] > 0
        except QueryFailedError as error:
            return _shortened(str(error))
        if has_rows is is_passing:
            return "its query gives the wrong answer"
    return None


def _shortened(error: str) -> str:
    """One line of an error, without what changes from one machine to another."""
    text = re.split(r"\n\n|\n\s*\[SQL|\nDid you mean", error.strip().strip('"'))[0]
    text = re.sub(r" using \w+Engine|\(_duckdb\.\w+\) ", "", " ".join(text.split()))
    text = re.sub(r"0x[0-9a-f]+", "0x", text)
    return text[:_LONGEST_REASON] if " " in text else f"it raises an error about {text}"


def _first_sentence(text: str) -> str:
    paragraph = " ".join(text.split("\n\n")[0].split())
    return paragraph.split(". ")[0].rstrip(".") + "."
