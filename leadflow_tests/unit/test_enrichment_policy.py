"""The section enrichment of policy.yaml: its examples hold, and a wrong setting is refused with its line."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import polars as pl
import pytest

from leadflow.cli.doctor import provider_lines
from leadflow.enrichment_policy import CompanyFile, HttpProvider
from leadflow.errors import ConfigError, SourceError
from leadflow.policy import Policy, load_policy
from leadflow.settings import load_settings

HTTP = """\
enrichment:
  providers:
    - name: vendor
      kind: http
      url: https://api.vendor.example/company
      by_domain: {query: {domain: "{domain}"}}
      identity: {domain: domain}
      fields: {company_size: size}
"""


def _load(folder: Path, text: str) -> Policy:
    path = folder / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    return load_policy(path)


def test_the_reference_is_always_there(tmp_path: Path) -> None:
    assert [each.name for each in Policy().enrichment.chain] == ["reference"]
    chain = _load(tmp_path, HTTP).enrichment.chain
    assert [each.name for each in chain] == ["vendor", "reference"]


def test_a_field_has_an_order_of_its_own(tmp_path: Path) -> None:
    enrichment = _load(tmp_path, HTTP + "  priorities: {company_size: [reference]}\n").enrichment
    assert enrichment.order("company_size") == ("reference", "vendor")
    assert enrichment.order("industry") == ("reference",)


def test_the_examples_of_the_template_are_sound(tmp_path: Path) -> None:
    text = (files("leadflow") / "templates" / "policy.yaml").read_text(encoding="utf-8")
    section = text[text.index("enrichment:\n") : text.index("# Fit grade")]
    pl.DataFrame(schema=["website", "name", "sector", "country"]).write_parquet(
        tmp_path / "listed_companies.parquet"
    )
    chain = _load(tmp_path, re.sub(r"^    # ", "    ", section, flags=re.M)).enrichment.chain
    assert [(each.name, each.kind) for each in chain] == [
        ("reference", "reference"),
        ("listed_companies", "file"),
        ("clearbit", "http"),
        ("zoominfo", "http"),
    ]
    assert isinstance(chain[1], CompanyFile)
    assert isinstance(chain[3], HttpProvider)
    assert chain[3].by_company_name is not None


@pytest.mark.parametrize(
    ("wrong", "right", "line", "says"),
    [
        ("kind: http", "kind: ftp", 3, "needs kind: reference, file or http"),
        ("name: vendor", "name: Big Vendor", 3, "match pattern"),
        ("name: vendor", "name: reference", 2, "belongs to kind: reference"),
        ("https://api.vendor.example/company", "ftp://api.vendor.example", 5, "no address of http"),
        ("https://api.vendor.example/company", "http://api.vendor.example/company", 5, "in the clear"),
        ("https://api.vendor.example/company", "https://{domain}/company", 5, "another host for each company"),
        ("https://api.vendor.example/company", "https://me:key@api.vendor.example", 5, "name or password"),
        ('{query: {domain: "{domain}"}}', "{query: {domain: acme.com}}", 3, "asks for nobody"),
        ('{query: {domain: "{domain}"}}', '{url: "https://other.example/{domain}"}', 3, "asks another host than url"),
        ('{query: {domain: "{domain}"}}', '{body: {domain: "{domain}"}}', 3, "set method: POST"),
        ('by_domain: {query: {domain: "{domain}"}}', "headers: {X-Version: a}", 3, "needs by_domain or"),
        ('by_domain: {query: {domain: "{domain}"}}', "headers: {Authorization: abc}", 6, "would hold a secret"),
        ('by_domain: {query: {domain: "{domain}"}}', "auth: {type: bearer, token_env: 'sk 12'}", 6, "match pattern"),
        ("identity: {domain: domain}", "identity: {company_name: name}", 3, "has no identity.domain, by which"),
        ("identity: {domain: domain}", "identity: {}", 7, "needs domain or company_name"),
        ("identity: {domain: domain}", "calls_per_minute: 10", 3, "Field required"),
        ("fields: {company_size: size}", "fields: {}", 8, "at least 1 item"),
        ("fields: {company_size: size}", "fields: {employees: size}", 8, "company_size"),
        ("fields: {company_size: size}", "fields: {company_size: 'a..b'}", 8, "match pattern"),
        ("fields: {company_size: size}", "fields: {company_size: size}\n      not_found: {where: a}", 9, "go together"),
        ("fields: {company_size: size}", "fields: {company_size: size}\n      confidence: 1.5", 9, "less than or equal"),
        ("fields: {company_size: size}", "fields: {company_size: size}\n      limits: {attempts: 0}", 9, "greater than"),
    ],
)  # fmt: skip
def test_a_wrong_provider_is_refused_with_its_line(
    tmp_path: Path, wrong: str, right: str, line: int, says: str
) -> None:
    assert wrong in HTTP
    with pytest.raises(ConfigError) as refused:
        _load(tmp_path, HTTP.replace(wrong, right))
    assert f"policy.yaml:{line} " in str(refused.value)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("enrichment:\n  priorities: {company_size: [nobody]}\n", 1, "names nobody; there are reference"),
        ("enrichment:\n  priorities: {size: [reference]}\n", 2, "company_size"),
        ("enrichment:\n  priorities: {industry: [reference, reference]}\n", 1, "names a provider twice"),
        (HTTP + "  priorities: {industry: [vendor]}\n", 1, "which does not tell it"),
        ("enrichment:\n  cache: {found_days: 0}\n", 2, "greater than or equal to 1"),
        ("enrichment:\n  budget: {calls_per_run: -1}\n", 2, "greater than or equal to 0"),
        ("enrichment:\n  backdated: {is_listed: ''}\n", 2, "at least 1 character"),
        ("enrichment:\n  backdated: {seniority: because}\n", 2, "company_size"),
        ("enrichment:\n  industries:\n    Vertical 7: Trains\n", 2, "'Trains' is no sector"),
        ("enrichment:\n  technologies: {rivals: [a]}\n", 2, "is not a known setting"),
        (
            "enrichment:\n  providers:\n    - {name: a, kind: file, path: a.xlsx, columns: {domain: d, industry: i}}\n",
            3,
            "ends with none of .csv, .parquet",
        ),
        (
            "enrichment:\n  providers:\n    - {name: a, kind: file, path: none.csv, columns: {domain: d, industry: i}}\n",
            3,
            "none.csv, which cannot be read",
        ),
        (
            "enrichment:\n  providers:\n    - {name: a, kind: file, path: a.csv, columns: {industry: i}}\n",
            3,
            "needs domain or company_name",
        ),
        (
            "enrichment:\n  providers:\n    - {name: a, kind: file, path: a.csv, columns: {domain: d}}\n",
            3,
            "tells nothing",
        ),
        (
            "enrichment:\n  providers:\n    - name: a\n      kind: file\n      path: a.csv\n      columns:\n        domain: web\n        industry: branch\n",
            8,
            "names the column branch, which a.csv does not have; it has web, sector",
        ),
    ],
)
def test_a_wrong_setting_is_refused_with_its_line(tmp_path: Path, text: str, line: int, says: str) -> None:
    (tmp_path / "a.csv").write_text("web,sector\n", encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        _load(tmp_path, text)
    assert f"policy.yaml:{line} " in str(refused.value)
    assert says in str(refused.value)


def test_own_words_for_industries_are_compared_as_texts_are(tmp_path: Path) -> None:
    enrichment = _load(
        tmp_path, "enrichment:\n  industries: {Vertical 7: energy, 第七类: Energy}\n"
    ).enrichment
    assert enrichment.sector_of == {"vertical 7": "Energy", "第七类": "Energy"}


def test_doctor_tells_whether_a_provider_can_be_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = HTTP + "      auth: {type: bearer, token_env: VENDOR_KEY}\n"
    (tmp_path / "policy.yaml").write_text(text, encoding="utf-8")
    settings = load_settings(home=tmp_path)
    monkeypatch.setenv("VENDOR_KEY", "abc")
    (line,) = provider_lines(settings)
    assert line.startswith("provider 'vendor' is set up")
    monkeypatch.delenv("VENDOR_KEY")
    with pytest.raises(SourceError, match="needs the environment variable VENDOR_KEY"):
        list(provider_lines(settings))
