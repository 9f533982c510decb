"""How one test runs: a native expectation, or a query for the failing rows.

Belongs here: the two shapes that generic_tests, expectation_queries and macro_tests hand to the runner. Does not
belong here: running them (expectations.py).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeAlias


@dataclass(frozen=True)
class NativeExpectation:
    """An expectation that Great Expectations runs on DuckDB itself.

    Attributes:
        name: its registered name, such as expect_column_values_to_be_unique.
        arguments: what it is called with, the column included.
    """

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class FailingRowsQuery:
    """A DuckDB query that returns the failing rows; run as Great Expectations' UnexpectedRowsExpectation.

    Attributes:
        sql: the query, over the batch it was made for, without limit.
        mostly: share of the judged rows that must pass, 0 to 1.
    """

    sql: str
    mostly: float = 1.0


Plan: TypeAlias = NativeExpectation | FailingRowsQuery


@functools.cache
def plan_makers(module: ModuleType) -> dict[str, Callable[..., Plan]]:
    """The public functions of `module` annotated to return a Plan, by name: how a test's name finds its code.

    The annotation is compared as text, so the module needs `from __future__ import annotations`.
    """
    return {
        name: function
        for name, function in vars(module).items()
        if inspect.isfunction(function)
        and function.__module__ == module.__name__
        and not name.startswith("_")
        and function.__annotations__.get("return") == "Plan"
    }
