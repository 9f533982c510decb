"""The catalogue of Great Expectations' expectations that schema.yml may name.

Belongs here: reading `expectation_catalogue.json`, which is generated from the installed Great Expectations by

    python -m leadflow.quality.contract.catalogue

so that contracts can be checked without importing Great Expectations, which takes seconds. Does not belong here:
how the catalogue is found out (checking/probing.py).
"""

from __future__ import annotations

import functools
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

PATH = Path(__file__).with_name("expectation_catalogue.json")

Runs = Literal["native", "as_query", "unsupported"]
Domain = Literal["column", "pair", "multi", "table"]


@dataclass(frozen=True)
class Expectation:
    """One expectation.

    Attributes:
        name: as registered in Great Expectations, in lower case.
        description: one sentence.
        domain: what it is about: a column, a pair of columns, several columns, or the table.
        is_row_wise: whether single rows fail, rather than the column or table as a whole.
        runs: on DuckDB itself (native), as leadflow's query (as_query), or not at all (unsupported).
        reason: why it does not run natively; empty where it does.
        arguments: specification (see arguments.py) by argument, the tested `column` left out.
    """

    name: str
    description: str
    domain: Domain
    is_row_wise: bool
    runs: Runs
    reason: str
    arguments: dict[str, dict[str, Any]]


@functools.cache
def load_catalogue() -> dict[str, Expectation]:
    """Every expectation by name."""
    document = json.loads(PATH.read_text(encoding="utf-8"))
    return {name: Expectation(name=name, **entry) for name, entry in document["expectations"].items()}


def catalogue_text() -> str:
    """The catalogue for the installed Great Expectations, as the file should hold it; takes some ten seconds."""
    from leadflow.quality.checking.probing import build_catalogue

    return json.dumps(build_catalogue(), indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    """Write the catalogue anew; returns the exit status."""
    PATH.write_text(catalogue_text(), encoding="utf-8")
    print(f"{PATH} written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
