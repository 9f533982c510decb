"""The policy of enrichment: who is asked about an account, in which order, how often, and what is made of the answers.

Belongs here: the section `enrichment` of policy.yaml. Does not belong here: asking (enrich/), and how sizes, industries and
revenues are read (text/).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Discriminator, Field, StringConstraints, Tag, field_validator, model_validator

from leadflow.config_files import Document, Strict
from leadflow.errors import ConfigError, listed
from leadflow.http.settings import AskLimits, Auth, http_url, without_secrets
from leadflow.text.industries import SECTORS, industry_key

EnrichedField = Literal["company_size", "industry", "is_listed", "country", "tech_stack", "revenue_band"]
ENRICHED_FIELDS: tuple[EnrichedField, ...] = get_args(EnrichedField)
"""What a provider may tell of an account. uses_competitor and uses_complement follow from tech_stack."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
JsonPath = Annotated[str, StringConstraints(pattern=r"^[^.\s]+(\.[^.\s]+)*$")]
Confidence = Annotated[float, Field(strict=True, gt=0, le=1)]
Days = Annotated[int, Field(strict=True, ge=1, le=3650)]
Calls = Annotated[int, Field(strict=True, ge=0, le=10_000_000)]
Placeholder = Literal["domain", "company_name"]

REFERENCE = "reference"
_FILES = (".csv", ".parquet")


class Reference(Strict):
    """The companies that landed in raw.company_reference.

    Attributes:
        name: reference.
        kind: reference.
        confidence: factor on how sure a match is: 1.0 by domain, 0.8 by company name.
    """

    name: Literal["reference"] = "reference"
    kind: Literal["reference"]
    confidence: Confidence = 1.0

    def offers(self, field: EnrichedField) -> bool:
        """Whether it may tell the field."""
        return bool(field)


class ConstantColumn(Strict):
    """A value that is the same for every company of a file.

    Attributes:
        constant: the value, such as true for is_listed in a file of listed companies.
    """

    constant: str | int | float | bool


class FileColumns(Strict):
    """Which column of a file, by its header, holds what; what the file does not have is left out.

    Attributes:
        domain: web domain or address.
        company_name: name of the company.
        company_size: employees, as a number, a range or in words.
        industry: industry or sector.
        is_listed: whether its shares are traded.
        country: name or code.
        tech_stack: technologies, separated by commas or semicolons.
        revenue_band: annual revenue in US dollars, an amount or a range.
    """

    domain: Text | None = None
    company_name: Text | None = None
    company_size: Text | ConstantColumn | None = None
    industry: Text | ConstantColumn | None = None
    is_listed: Text | ConstantColumn | None = None
    country: Text | ConstantColumn | None = None
    tech_stack: Text | ConstantColumn | None = None
    revenue_band: Text | ConstantColumn | None = None

    @model_validator(mode="after")
    def _find_and_tell(self) -> FileColumns:
        if self.domain is None and self.company_name is None:
            raise ValueError("needs domain or company_name, by which a company is found")
        if not any(getattr(self, field) is not None for field in ENRICHED_FIELDS):
            raise ValueError(f"tells nothing: name a column for one of {', '.join(ENRICHED_FIELDS)}")
        return self


class CompanyFile(Strict):
    """A CSV or Parquet file of companies.

    Attributes:
        name: what the facts' source is called.
        kind: file.
        path: the file, .csv or .parquet, beside policy.yaml or absolute.
        columns: which column holds what.
        confidence: factor on how sure a match is: 1.0 by domain, 0.8 by company name.
    """

    name: Name
    kind: Literal["file"]
    path: Text
    columns: FileColumns
    confidence: Confidence = 1.0

    @field_validator("path")
    @classmethod
    def _is_read(cls, path: str) -> str:
        if Path(path).suffix.lower() not in _FILES:
            raise ValueError(f"ends with none of {', '.join(_FILES)}, by which leadflow knows how to read it")
        return path

    def offers(self, field: EnrichedField) -> bool:
        """Whether it may tell the field."""
        return getattr(self.columns, field) is not None


class Lookup(Strict):
    """How one company is asked for; {domain} or {company_name} stands for it.

    Attributes:
        url: address, where it is another than the provider's; of the same host.
        query: query parameters.
        body: JSON body of a POST.
    """

    url: str | None = None
    query: dict[str, str | int | float | bool] = Field(default_factory=dict)
    body: dict[str, Any] | None = None

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str | None) -> str | None:
        return None if url is None else _url(url)

    def uses(self, url: str, placeholder: Placeholder) -> bool:
        """Whether what is sent holds the company; `url` is the provider's."""
        return f"{{{placeholder}}}" in f"{self.url or url} {self.query} {self.body}"


class NotFound(Strict):
    """What says that the provider does not know a company, beside an answer without one.

    Attributes:
        statuses: HTTP statuses.
        where: where in the answer a word stands that says it.
        equals: the word; goes with where.
    """

    statuses: tuple[Annotated[int, Field(strict=True, ge=400, le=499)], ...] = (404,)
    where: JsonPath | None = None
    equals: str | int | float | bool | None = None

    @model_validator(mode="after")
    def _go_together(self) -> NotFound:
        if (self.where is None) != (self.equals is None):
            raise ValueError("'where' and 'equals' go together: say which word stands where")
        return self


class Identity(Strict):
    """Where an answer says whom it is about; it is held against who was asked for.

    Attributes:
        domain: where the company's domain or web address stands, or a list of them.
        company_name: where its name stands.
    """

    domain: JsonPath | None = None
    company_name: JsonPath | None = None

    @model_validator(mode="after")
    def _one_at_least(self) -> Identity:
        if self.domain is None and self.company_name is None:
            raise ValueError(
                "needs domain or company_name: an answer that does not say whose it is is refused"
            )
        return self


class ProviderLimits(AskLimits):
    """How long a provider may be asked and waited for; shorter than a source, since a refresh goes on without it."""

    attempts: int = Field(default=3, ge=1, le=20, strict=True)
    timeout_seconds: float = Field(default=10, gt=0, le=600)
    answer_seconds: float = Field(default=20, gt=0, le=3600)
    max_answer_megabytes: int = Field(default=1, ge=1, le=64, strict=True)
    max_wait_seconds: float = Field(default=60, ge=0, le=7200)


class HttpProvider(Strict):
    """A service that tells about one company a call, in JSON.

    Attributes:
        name: what the facts' source is called.
        kind: http.
        url: what to ask; what tells who asks goes nowhere but to its host.
        method: GET or POST.
        headers: further headers; no secrets, which belong into auth.
        auth: what tells who asks, from the environment.
        by_domain: how a company is asked for by its domain.
        by_company_name: how it is asked for by its name, where it has no domain or that is not found.
        company: where in the answer the company stands, such as data.0; nothing there says that it is not found.
        identity: where it says whom it is about.
        fields: where it tells what, as seen from the company; a * goes through a list, as in technologies.*.name.
        not_found: what says that it does not know the company.
        calls_per_minute: at most.
        give_up_after: failures one after another, from which on it is not asked again in this refresh.
        max_run_seconds: how long it may be asked in one refresh.
        confidence: factor on how sure an answer is: 1.0 by domain, 0.8 by company name.
        found_days: days that its answers count as fresh; those of cache where left out.
        not_found_days: the same of answers that it does not know a company.
        limits: how long a call may take.
    """

    name: Name
    kind: Literal["http"]
    url: str
    method: Literal["GET", "POST"] = "GET"
    headers: dict[str, str] = Field(default_factory=dict)
    auth: Auth | None = None
    by_domain: Lookup | None = None
    by_company_name: Lookup | None = None
    company: JsonPath | None = None
    identity: Identity
    fields: dict[EnrichedField, JsonPath] = Field(min_length=1)
    not_found: NotFound = NotFound()
    calls_per_minute: Annotated[int, Field(strict=True, ge=1, le=60_000)] = 300
    give_up_after: Annotated[int, Field(strict=True, ge=1, le=1000)] = 3
    max_run_seconds: Annotated[int, Field(strict=True, ge=1, le=86_400)] = 600
    confidence: Confidence = 1.0
    found_days: Days | None = None
    not_found_days: Days | None = None
    limits: ProviderLimits = ProviderLimits()

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        return _url(url)

    @field_validator("headers")
    @classmethod
    def _no_secret(cls, headers: dict[str, str]) -> dict[str, str]:
        return without_secrets(headers)

    @model_validator(mode="after")
    def _ask_for_someone(self) -> HttpProvider:
        lookups: tuple[tuple[Placeholder, Lookup | None], ...] = (
            ("domain", self.by_domain),
            ("company_name", self.by_company_name),
        )
        if not any(lookup for _, lookup in lookups):
            raise ValueError("needs by_domain or by_company_name, which say how a company is asked for")
        for placeholder, lookup in lookups:
            if lookup is None:
                continue
            if getattr(self.identity, placeholder) is None:
                raise ValueError(
                    f"asks by_{placeholder} and has no identity.{placeholder}, by which the answer is known to be the company's"
                )
            if not lookup.uses(self.url, placeholder):
                raise ValueError(
                    f"by_{placeholder} asks for nobody: write {{{placeholder}}} in its url, query or body"
                )
            if lookup.url is not None and _host(lookup.url) != _host(self.url):
                raise ValueError(
                    f"by_{placeholder} asks another host than url; what tells who asks goes to one only"
                )
            if lookup.body is not None and self.method == "GET":
                raise ValueError(f"by_{placeholder} has a body, which a GET does not take; set method: POST")
        return self

    def offers(self, field: EnrichedField) -> bool:
        """Whether it may tell the field."""
        return field in self.fields


def _url(url: str) -> str:
    """The address, whose host is the same whoever is asked for."""
    http_url(url)
    if "{" in url.split("/")[2].replace("${", ""):
        raise ValueError("asks another host for each company; name one host")
    return url


def _host(url: str) -> str:
    return "/".join(url.split("/")[:3]).lower()


def _kind_of(value: object) -> str:
    return str(value.get("kind", "") if isinstance(value, dict) else getattr(value, "kind", ""))


Provider = Annotated[
    Annotated[Reference, Tag("reference")]
    | Annotated[CompanyFile, Tag("file")]
    | Annotated[HttpProvider, Tag("http")],
    Discriminator(
        _kind_of,
        custom_error_type="provider_kind",
        custom_error_message="needs kind: reference, file or http",
    ),
]


class Cache(Strict):
    """How long an answer is as good as a new one; older ones stay known until they are answered anew.

    Attributes:
        found_days: days until a company is asked for again.
        not_found_days: the same of one that a provider did not know, or whose answer was refused.
    """

    found_days: Days = 90
    not_found_days: Days = 30


class Budget(Strict):
    """Calls of all http providers together, tries included; with 0 none is asked.

    Attributes:
        calls_per_run: in one refresh.
        calls_per_day: in one UTC day.
    """

    calls_per_run: Calls = 1000
    calls_per_day: Calls = 5000


class Technologies(Strict):
    """What of a company's technologies matters, compared without regard to case.

    Attributes:
        competitors: products that ours stands in for; they make uses_competitor true.
        complements: products that ours works with; they make uses_complement true.
    """

    competitors: tuple[Text, ...] = ()
    complements: tuple[Text, ...] = ()


class Enrichment(Strict):
    """Who is asked about an account, and what is made of the answers.

    Attributes:
        providers: who is asked, first of all the first; reference is always among them, last where it is not listed.
        priorities: providers of one field, first of all the first, where that is another order; the others follow.
        cache: how long an answer is as good as a new one.
        budget: how many calls.
        backdated: fields whose value counts as known since ever, and why; the history of an account that was never
            looked up before then has it, too.
        technologies: what of a company's technologies matters.
        industries: a company's own words for industries, and the sector of each.
    """

    providers: tuple[Provider, ...] = (Reference(kind="reference"),)
    priorities: dict[EnrichedField, tuple[Name, ...]] = Field(default_factory=dict)
    cache: Cache = Cache()
    budget: Budget = Budget()
    backdated: dict[EnrichedField, Text] = Field(default_factory=dict)
    technologies: Technologies = Technologies()
    industries: dict[Text, Text] = Field(default_factory=dict)

    @field_validator("providers")
    @classmethod
    def _have_names_of_their_own(cls, providers: tuple[Provider, ...]) -> tuple[Provider, ...]:
        names = [provider.name for provider in providers]
        for provider in providers:
            if names.count(provider.name) > 1:
                raise ValueError(f"several are named {provider.name}: give each a name of its own")
            if provider.name == REFERENCE and provider.kind != REFERENCE:
                raise ValueError("the name reference belongs to kind: reference; choose another")
        return providers

    @field_validator("industries")
    @classmethod
    def _name_sectors(cls, industries: dict[str, str]) -> dict[str, str]:
        known = {industry_key(sector): sector for sector in SECTORS}
        found: dict[str, str] = {}
        for word, name in industries.items():
            sector = known.get(industry_key(name))
            if sector is None:
                raise ValueError(f"'{name}' is no sector; choose one of {', '.join(SECTORS)}")
            key = industry_key(word)
            if not key or found.setdefault(key, sector) != sector:
                raise ValueError(f"'{word}' is no word, or stands for two sectors")
        return industries

    @model_validator(mode="after")
    def _name_providers(self) -> Enrichment:
        by_name = {provider.name: provider for provider in self.chain}
        for field, names in self.priorities.items():
            for name in names:
                if name not in by_name:
                    raise ValueError(f"priorities.{field} names {name}; there are {', '.join(by_name)}")
                if not by_name[name].offers(field):
                    raise ValueError(f"priorities.{field} names {name}, which does not tell it")
            if len(set(names)) < len(names):
                raise ValueError(f"priorities.{field} names a provider twice")
        return self

    @property
    def chain(self) -> tuple[Reference | CompanyFile | HttpProvider, ...]:
        """All providers in their order."""
        is_listed = any(provider.kind == REFERENCE for provider in self.providers)
        return self.providers if is_listed else (*self.providers, Reference(kind="reference"))

    def order(self, field: EnrichedField) -> tuple[str, ...]:
        """Names of the providers that may tell a field, whose word counts most first."""
        names = (*self.priorities.get(field, ()), *(each.name for each in self.chain if each.offers(field)))
        return tuple(dict.fromkeys(names))

    @property
    def sector_of(self) -> dict[str, str]:
        """Sectors by the company's own words, both as text/industries.py writes them."""
        known = {industry_key(sector): sector for sector in SECTORS}
        return {industry_key(word): known[industry_key(name)] for word, name in self.industries.items()}


def refuse_missing_files(enrichment: Enrichment, document: Document) -> None:
    """Refuse files of companies that cannot be read, or lack a column.

    Raises:
        ConfigError: with the line of each.
    """
    problems = list(_file_problems(enrichment, document))
    if problems:
        raise ConfigError("; ".join(problems), "mend what each line names")


def _file_problems(enrichment: Enrichment, document: Document) -> Iterator[str]:
    for index, provider in enumerate(enrichment.providers):
        if not isinstance(provider, CompanyFile):
            continue
        at = ("enrichment", "providers", index)
        path = document.path.parent / provider.path
        try:
            there = file_columns(path)
        except Exception as error:  # noqa: BLE001 -- polars has no common type for what is wrong with a file
            yield f"{document.where(*at, 'path')} names the file {path}, which cannot be read ({_first_line(error)})"
            continue
        for field in provider.columns.model_fields_set:
            column = getattr(provider.columns, field)
            if isinstance(column, str) and column not in there:
                yield (
                    f"{document.where(*at, 'columns', field)} names the column {column}, which {path.name} does not have; "
                    f"it has {listed(there)}"
                )


def file_columns(path: Path) -> list[str]:
    """Names of the columns of a CSV or Parquet file."""
    import polars as pl

    if path.suffix.lower() == ".parquet":
        return list(pl.read_parquet_schema(path))
    return pl.read_csv(path, n_rows=0, infer_schema=False).columns


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
