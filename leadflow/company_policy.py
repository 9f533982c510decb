"""The policy of companies: other names that they go by, and how alike two names have to be.

Belongs here: the setting `companies` of policy.yaml and the alias lists beside it. Does not belong here: comparing names
(text/company_matching.py), what is made of them (identity/accounts.py).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from leadflow.config_files import Document, read_yaml
from leadflow.errors import ConfigError

if TYPE_CHECKING:
    from leadflow.text.company_matching import CompanyAliases

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Score = Annotated[float, Field(strict=True, gt=0, le=1)]

_REMEDY = "write `alias: company` for each, both names of companies, and keep one company for each alias"


class Companies(BaseModel):
    """What is known of companies' names beside what the names say.

    Attributes:
        aliases: another name (brand, former name, name in another script) and the company's name; holds for every
            spelling of both.
        alias_files: more of them, beside policy.yaml: CSV with the columns alias and company, or YAML as `aliases`.
        parents: a company and the group it belongs to; both stay accounts of their own.
        same_from: score, 0 to 1, from which two names are taken for one company; 0.5 is where one is as likely as two.
        alone_from: score from which a name goes with the only company that it is at all alike, such as a site's name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    aliases: dict[Name, Name] = {}
    alias_files: tuple[Name, ...] = ()
    parents: dict[Name, Name] = {}
    same_from: Score = 0.5
    alone_from: Score = 0.42

    def lookup(self) -> CompanyAliases | None:
        """The aliases, ready to be asked; None where there are none."""
        from leadflow.text.company_matching import CompanyAliases

        return CompanyAliases(self.aliases) if self.aliases else None


def with_alias_files(companies: Companies, document: Document) -> Companies:
    """The settings with the aliases of their files, so that a policy's version tells what names mean.

    Raises:
        ConfigError: a file cannot be read, an alias, company or parent is no name, an alias stands for two companies, aliases
            go in a circle, or a company is its own parent; the message names the line.
    """
    if not (companies.aliases or companies.alias_files or companies.parents):
        return companies
    _check_parents(companies, document)
    found: dict[str, _Alias] = {}
    for alias, company in companies.aliases.items():
        _take(found, _Alias(alias, company, document.where("companies", "aliases", alias)))
    for index, name in enumerate(companies.alias_files):
        path = document.path.parent / Path(name)
        try:
            listed = list(_listed(path))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise ConfigError(
                f"{document.where('companies', 'alias_files', index)} names the file {path}, which cannot be read ({error})",
                "mend the name, or save the list as UTF-8, CSV or YAML",
            ) from None
        for each in listed:
            _take(found, each)
    _refuse_circles(found)
    return companies.model_copy(update={"aliases": {each.alias: each.company for each in found.values()}})


@dataclass(frozen=True)
class _Alias:
    """Another name of a company, and the file and line that say so."""

    alias: str
    company: str
    where: str


def _key(name: str, where: str) -> str:
    """By what the name is looked up; ConfigError where it is no company's."""
    from leadflow.text.company_matching import alias_key

    key = alias_key(name)
    if key is None:
        raise ConfigError(f"{where} names '{name}', which is no company's name", _REMEDY)
    return key


def _check_parents(companies: Companies, document: Document) -> None:
    for name, parent in companies.parents.items():
        where = document.where("companies", "parents", name)
        if _key(name, where) == _key(parent, where):
            raise ConfigError(
                f"{where} names '{name}' as its own parent", "name the group that it belongs to"
            )


def _listed(path: Path) -> Iterator[_Alias]:
    """The aliases of a list, CSV or YAML."""
    if path.suffix.lower() not in {".yaml", ".yml"}:
        yield from _of_csv(path)
        return
    path.stat()  # OSError where there is no such file
    listed = read_yaml(path)
    if not isinstance(listed.data, Mapping):
        raise ConfigError(f"{path}:1 is no list of `alias: company`", _REMEDY)
    for alias, company in listed.data.items():
        if not isinstance(alias, str) or not isinstance(company, str):
            raise ConfigError(f"{listed.where(alias)} is not `alias: company`, two texts", _REMEDY)
        yield _Alias(alias.strip(), company.strip(), listed.where(alias))


def _of_csv(path: Path) -> Iterator[_Alias]:
    with path.open(encoding="utf-8-sig", newline="") as text:
        rows = csv.reader(text)
        header = [name.strip().lower() for name in next(rows, [])]
        if sorted(header) != ["alias", "company"]:
            raise ConfigError(
                f"{path}:1 has the columns {', '.join(header) or 'of an empty file'}",
                "begin the file with the line alias,company",
            )
        for row in rows:
            if not any(map(str.strip, row)):
                continue
            if len(row) != len(header):
                raise ConfigError(
                    f"{path}:{rows.line_num} has {len(row)} values and not 2",
                    "put names that hold a comma in double quotes",
                )
            named = dict(zip(header, map(str.strip, row), strict=True))
            yield _Alias(named["alias"], named["company"], f"{path}:{rows.line_num}")


def _take(found: dict[str, _Alias], new: _Alias) -> None:
    """Add an alias by its key; refused where one of its names is none, or it already stands for another company."""
    key, company = _key(new.alias, new.where), _key(new.company, new.where)
    known = found.setdefault(key, new)
    if _key(known.company, known.where) != company:
        raise ConfigError(
            f"{new.where} says that '{new.alias}' is '{new.company}', and {known.where} that it is '{known.company}'",
            _REMEDY,
        )


def _refuse_circles(aliases: Mapping[str, _Alias]) -> None:
    for start, first in aliases.items():
        at, seen = _key(first.company, first.where), {start}
        if at == start:
            continue
        while at in aliases and at not in seen:
            seen.add(at)
            following = aliases[at]
            step = _key(following.company, following.where)
            if step == at:
                break
            at = step
        if at == start:
            raise ConfigError(
                f"{first.where}: the alias '{first.alias}' leads back to itself",
                "name one of the names canonical",
            )
