"""Singular tests, as dbt calls them: a query of its own in `dbt_like_sql/tests/*.sql` that returns the rows that are wrong.

Belongs here: one such test as a value, and its SQL at a moment. Does not belong here: finding and checking them
(declared_singular_tests.py) and running them (checking/runner.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leadflow.warehouse.models.jinja import Rendered
    from leadflow.warehouse.models.model_parsing import Surroundings


@dataclass(frozen=True)
class SingularTest:
    """One file.

    Attributes:
        name: the file's name without its ending, which is the test's.
        path: the file.
        text: its content, unrendered.
        surroundings: models, sources, macros and variables that it may refer to.
        shown_columns: columns of the tables it reads, in lower case, that hold no personal data anywhere.
        pii_columns: columns of the tables it reads, in lower case, that hold personal data somewhere.
    """

    name: str
    path: Path
    text: str
    surroundings: Surroundings
    shown_columns: frozenset[str] = frozenset()
    pii_columns: frozenset[str] = frozenset()

    @property
    def table(self) -> str:
        """What `this` would be in the template, which makes no table."""
        return f"tests.{self.name}"

    def rendered(self, variables: Mapping[str, Any] | None = None) -> Rendered:
        """The SQL and what it called; `variables` go before the defaults of dbt_project.yml.

        Raises:
            ModelError: the template cannot be rendered; names file and line.
        """
        return self.surroundings.render(
            self.path, self.text, self.table, is_incremental=False, variables=variables
        )

    def fingerprint(self) -> str:
        """Changes when the query does, also by a macro that it calls."""
        return hashlib.sha256(self.rendered().sql.encode()).hexdigest()[:16]
