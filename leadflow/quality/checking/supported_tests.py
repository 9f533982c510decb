"""Every test that schema.yml may name, with what there is to know of it and a case each way.

Belongs here: the one list from which the reference (docs/data_tests.md), the editors' schema and the test suite are made.
Does not belong here: the tests themselves (generic_tests.py, table_comparisons.py, expectation_queries.py, the
catalogue), and reading an entry (contract/declared_tests.py).
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from leadflow.quality.checking.findings import is_row_wise
from leadflow.quality.checking.plans import NativeExpectation
from leadflow.quality.checking.probes import OTHER_PROBES, PROBES
from leadflow.quality.checking.row_queries import cannot_quarantine
from leadflow.quality.contract.arguments import Specification, in_own_spelling
from leadflow.quality.contract.catalogue import Domain, load_catalogue
from leadflow.quality.contract.macro_tests import MacroTest
from leadflow.quality.contract.own_tests import own_tests
from leadflow.quality.contract.tables import Test

Origin = Literal["dbt", "dbt_utils", "dbt_expectations", "Great Expectations", "this project"]

_DBT = ("not_null", "unique", "accepted_values", "relationships")
_DBT_UTILS = ("unique_combination_of_columns",)


@dataclass(frozen=True)
class SupportedTest:
    """One test.

    Attributes:
        name: as schema.yml names it, without its package.
        origin: where the name comes from.
        description: what passes, in a sentence.
        about: column, pair, multi (several columns) or table.
        arguments: specification (see arguments.py) by argument, in Great Expectations' spelling.
        is_row_wise: whether single rows fail, rather than the column or table as a whole.
        no_quarantine: why failing rows cannot be set aside, or None where they can.
        is_native: whether Great Expectations runs it on DuckDB itself, rather than leadflow's SQL.
        passing: arguments that the probe table (probes.py) passes, the column among them; None where nobody wrote any.
        failing: arguments that it fails.
    """

    name: str
    origin: Origin
    description: str
    about: Domain
    arguments: Mapping[str, Specification]
    is_row_wise: bool
    no_quarantine: str | None
    is_native: bool
    passing: Mapping[str, Any] | None
    failing: Mapping[str, Any] | None


def supported_tests(macros: Mapping[str, MacroTest]) -> list[SupportedTest]:
    """Every test that an entry of `data_tests:` may name, dbt's first.

    Args:
        macros: the project's own tests by name, which go before others of the same name.
    """
    found = {test.name: test for test in (*_own(), *_expectations(), *_macros(macros))}
    return list(found.values())


def refused_tests() -> dict[str, str]:
    """Why each expectation that Great Expectations has and leadflow refuses cannot run, by name."""
    return {
        name: expectation.reason
        for name, expectation in load_catalogue().items()
        if expectation.runs == "unsupported" and name not in own_tests()
    }


def entry_of(test: SupportedTest, case: Mapping[str, Any], *, at_table: bool) -> dict[str, Any] | str:
    """The entry of `data_tests:` that a case amounts to, below its column or, with column_name, at the table."""
    arguments = dict(case)
    if "column" in arguments and test.about == "column":
        column = arguments.pop("column")
        arguments |= {"column_name": column} if at_table else {}
    return {test.name: {"arguments": arguments}} if arguments else test.name


def _own() -> Iterator[SupportedTest]:
    for name, own in own_tests().items():
        origin: Origin = "dbt" if name in _DBT else "dbt_utils" if name in _DBT_UTILS else "dbt_expectations"
        passing, failing = OTHER_PROBES.get(name, (None, None))
        is_native = False
        if passing is not None:
            arguments = in_own_spelling(passing, own.arguments)
            subject = ("batch", arguments.pop("column")) if own.about == "column" else ("batch",)
            is_native = isinstance(own.make_plan(*subject, **arguments), NativeExpectation)
        described = " ".join((inspect.getdoc(own.make_plan) or "").split())
        test = _as_test(name)
        yield SupportedTest(
            name,
            origin,
            described,
            own.about,
            own.arguments,
            own.is_row_wise,
            cannot_quarantine(test),
            is_native,
            passing,
            failing,
        )


def _expectations() -> Iterator[SupportedTest]:
    for name, expectation in load_catalogue().items():
        if expectation.runs != "unsupported" and name not in own_tests():
            test = _as_test(name)
            passing, failing = PROBES.get(name, (None, None))
            yield SupportedTest(
                name,
                "Great Expectations",
                expectation.description,
                expectation.domain,
                expectation.arguments,
                is_row_wise(test),
                cannot_quarantine(test),
                expectation.runs == "native",
                passing,
                failing,
            )


def _macros(macros: Mapping[str, MacroTest]) -> Iterator[SupportedTest]:
    for name, macro in macros.items():
        test = _as_test(name, macro)
        passing, failing = OTHER_PROBES.get(name, (None, None))
        yield SupportedTest(
            name,
            "this project",
            f"The query in {macro.file.relative_to(macro.folders[0].parent).as_posix()} returns no rows.",
            "column" if macro.is_about_column else "table",
            macro.arguments,
            is_row_wise(test),
            cannot_quarantine(test),
            False,
            passing,
            failing,
        )


def _as_test(name: str, macro: MacroTest | None = None) -> Test:
    """The test with nothing but its name, for what is known of all tests of that name."""
    return Test(name, name, None, {}, "error", None, Path(), 1, macro=macro)
