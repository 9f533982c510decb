"""Other names of companies: in the policy, in lists beside it, and what is wrong with one."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadflow.errors import ConfigError
from leadflow.policy import load_policy


def _policy(folder: Path, text: str, **files: str) -> Path:
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content, encoding="utf-8")
    path = folder / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_aliases_of_the_policy_and_of_its_files_come_together(tmp_path: Path) -> None:
    path = _policy(
        tmp_path,
        "companies:\n  aliases: {纷享销客: 北京纷扬科技有限公司}\n  alias_files: [more.csv, more.yaml]\n",
        more__csv='\ufeffcompany,alias\nAlphabet Inc,Google\n\n"Acme, Inc",Apex\n',
        more__yaml="IBM: International Business Machines\n",
    )
    companies = load_policy(path).companies
    assert companies.aliases == {
        "纷享销客": "北京纷扬科技有限公司",
        "Google": "Alphabet Inc",
        "Apex": "Acme, Inc",
        "IBM": "International Business Machines",
    }
    lookup = companies.lookup()
    assert lookup is not None
    assert lookup.canonical("GOOGLE LLC") == "Alphabet Inc"
    assert load_policy(path).version != load_policy(None).version


def test_there_is_nothing_to_look_up_without_aliases() -> None:
    assert load_policy(None).companies.lookup() is None


@pytest.mark.parametrize(
    ("settings", "files", "message"),
    [
        ("aliases: {Acme: n/a}", {}, r"policy\.yaml:2 names 'n/a', which is no company's name"),
        ("alias_files: [none.csv]", {}, r"policy\.yaml:2 names the file .*none\.csv, which cannot be read"),
        ("alias_files: [none.yaml]", {}, r"policy\.yaml:2 names the file .*none\.yaml, which cannot be read"),
        ("alias_files: [a.csv]", {"a__csv": "name,firm\nx,y\n"}, r"a\.csv:1 has the columns name, firm"),
        ("alias_files: [a.csv]", {"a__csv": ""}, r"a\.csv:1 has the columns of an empty file"),
        (
            "alias_files: [a.csv]",
            {"a__csv": "alias,company\nGoogle,Alphabet\nApex,Acme, Inc\n"},
            r"a\.csv:3 has 3 values and not 2",
        ),
        (
            "alias_files: [a.csv]",
            {"a__csv": "alias,company\nGoogle,Alphabet\nGoogle,Acme\n"},
            r"a\.csv:3 says that 'Google' is 'Acme', and .*a\.csv:2 that it is 'Alphabet'",
        ),
        (
            "{aliases: {Google: Alphabet}, alias_files: [a.csv]}",
            {"a__csv": "alias,company\nGOOGLE Inc,Acme\n"},
            r"a\.csv:2 says that 'GOOGLE Inc' is 'Acme', and .*policy\.yaml:2 that it is 'Alphabet'",
        ),
        (
            "alias_files: [a.csv]",
            {"a__csv": "alias,company\nAcme,Beta\nBeta,Gamma\nGamma,Acme\n"},
            r"a\.csv:2: the alias 'Acme' leads back to itself",
        ),
        (
            "alias_files: [a.yaml]",
            {"a__yaml": "Google: Alphabet\nApex: 7\n"},
            r"a\.yaml:2 is not `alias: company`",
        ),
        ("alias_files: [a.yaml]", {"a__yaml": "- Google\n"}, r"a\.yaml:1 is no list of `alias: company`"),
        ("same_from: 2", {}, r"policy\.yaml:2 companies\.same_from"),
        ("alias: {}", {}, r"policy\.yaml:2 companies\.alias: is not a known setting"),
        ("parents: {Acme: Acme Inc}", {}, r"policy\.yaml:2 names 'Acme' as its own parent"),
        ("parents: {Acme: n/a}", {}, r"policy\.yaml:2 names 'n/a', which is no company's name"),
    ],
)
def test_what_is_wrong_is_named_by_its_line(
    tmp_path: Path, settings: str, files: dict[str, str], message: str
) -> None:
    text = f"companies:\n  {settings}\n"
    with pytest.raises(ConfigError, match=message):
        load_policy(_policy(tmp_path, text, **files))


def test_an_alias_said_twice_alike_is_right(tmp_path: Path) -> None:
    path = _policy(
        tmp_path,
        "companies: {aliases: {Google: Alphabet}, alias_files: [a.csv]}\n",
        a__csv="alias,company\ngoogle,Alphabet Inc\n",
    )
    assert len(load_policy(path).companies.aliases) == 1
