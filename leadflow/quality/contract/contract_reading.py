"""What reading contracts carries along: the problems found so far, and the names that tests may refer to.

Belongs here: values that quality/contracts.py and declared_tests.py share. Does not belong here: the reading itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from leadflow.config_files import Document, KeyPath
from leadflow.errors import ContractError
from leadflow.quality.contract.macro_tests import MacroTest


@dataclass
class Problems:
    """What is wrong in all files, gathered so that one run tells everything."""

    found: list[tuple[str, str]] = field(default_factory=list)

    def add(self, document: Document, at: KeyPath, problem: str, remedy: str) -> None:
        """Note a problem at a place of a file; what a source says of all its tables is told once."""
        told = (f"{document.where(*at)} {problem}", remedy)
        if told not in self.found:
            self.found.append(told)

    def raise_if_any(self, where: str = "the contracts") -> None:
        """Raise all of them as one ContractError; `where` is what they are wrong in."""
        if len(self.found) == 1:
            raise ContractError(*self.found[0])
        if self.found:
            lines = "".join(f"\n  {problem}: {remedy}" for problem, remedy in self.found)
            raise ContractError(f"{len(self.found)} things are wrong in {where}{lines}\n", "Mend each line")


@dataclass(frozen=True)
class Names:
    """What tests may refer to.

    Attributes:
        models: schema.name by model name, for ref().
        sources: schema.name by source and table name, for source().
        columns: data type by lower-case column name, by schema.name.
        macros: the project's own tests by name.
        groups: owners by group.
    """

    models: Mapping[str, str]
    sources: Mapping[tuple[str, str], str]
    columns: Mapping[str, Mapping[str, str]]
    macros: Mapping[str, MacroTest]
    groups: Mapping[str, tuple[str, ...]]
