"""Tests that leadflow knows without Great Expectations' catalogue, found by their names.

Belongs here: which modules hold them, and what their signatures say. Does not belong here: the tests (checking/generic_tests.py,
checking/table_comparisons.py) and running them (checking/runner.py).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from leadflow.quality.checking import generic_tests, table_comparisons
from leadflow.quality.checking.plans import Plan, plan_makers
from leadflow.quality.contract.arguments import Specification, signature_specifications
from leadflow.quality.contract.catalogue import Domain

_MODULES = (generic_tests, table_comparisons)


@dataclass(frozen=True)
class OwnTest:
    """A test that is a function here.

    Attributes:
        name: as schema.yml names it.
        make_plan: the function, called with the batch, the column where it is about one, and the arguments.
        about: column, multi (several columns) or table.
        arguments: specification (see arguments.py) by argument.
    """

    name: str
    make_plan: Callable[..., Plan]
    about: Domain
    arguments: Mapping[str, Specification]

    @property
    def is_row_wise(self) -> bool:
        """Whether single rows fail, rather than the table as a whole."""
        return self.about != "table"


@functools.cache
def own_tests() -> Mapping[str, OwnTest]:
    """Every such test by name."""
    found = {}
    for module in _MODULES:
        for name, function in plan_makers(module).items():
            parameters = inspect.signature(function).parameters
            about: Domain = (
                "column" if "column" in parameters else "multi" if "column_list" in parameters else "table"
            )
            arguments = signature_specifications(function)
            if module is table_comparisons:  # dbt-expectations' word for `where`
                arguments = arguments | {"row_condition": {"types": ["string"], "required": False}}
            found[name] = OwnTest(name, function, about, arguments)
    return found
