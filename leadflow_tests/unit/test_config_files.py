"""YAML with line numbers: what is read, and that every error names its file, its line and the remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator

from leadflow.config_files import read_yaml, validate
from leadflow.errors import ConfigError


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "file.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "data"),
    [
        ("", None),
        ("# only a comment\n", None),
        ("a: 1\n", {"a": 1}),
        (b"\xef\xbb\xbfa: 1\n", {"a": 1}),
        ("a: 1\r\nb: 2\r\n", {"a": 1, "b": 2}),
        ("a: [1, {b: 2}]\n", {"a": [1, {"b": 2}]}),
        ("公司: 腾讯\n", {"公司": "腾讯"}),
        ("x: &base {k: 1, l: 2}\ny:\n  <<: *base\n  k: 3\n", {"x": {"k": 1, "l": 2}, "y": {"k": 3, "l": 2}}),
        ("x: &a [1]\ny: *a\n", {"x": [1], "y": [1]}),
        # Words that YAML 1.1 takes for something else are what they are in PyYAML.
        ("a: no\nb: 'no'\n", {"a": False, "b": "no"}),
    ],
)
def test_reads(tmp_path: Path, content: str | bytes, data: object) -> None:
    assert read_yaml(written(tmp_path, content)).data == data


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        (
            "a: 1\n\tb: 2\n",
            2,
            "found a tab character that violates indentation): mend the line; indent with spaces",
        ),
        ("a:\n  b: 1\n\n  b: 2\n", 4, "repeats the key 'b': keep one of the two"),
        ("a: {b: 1, b: 2}\n", 1, "repeats the key 'b'"),
        ("a: 1\nb: c: d\n", 2, "is not valid YAML (mapping values are not allowed in this context)"),
        ("a: 1\nb: 'open\n", 3, "is not valid YAML (found unexpected end of stream)"),
        ("a: 1\n---\nb: 2\n", 2, "is not valid YAML (but found another document)"),
        ("a: 1\nb: *nowhere\n", 2, "is not valid YAML (found undefined alias)"),
        (
            "a: 1\nb: 2026-13-45\n",
            2,
            "holds the value 2026-13-45, which cannot be read (month must be in 1..12)",
        ),
        ("a: !!int x\n", 1, "holds the value x, which cannot be read"),
        (
            "a: 1\nb: \x07\n",
            2,
            "is not valid YAML (control characters are not allowed): delete the character",
        ),
        ("a: 1\n? [b]\n: c\n", 2, "has a key that is not a word: write `key: value`"),
        ("a:\n  <<: 5\n", 2, "expected a mapping or list of mappings for merging"),
        # Tags run code in YAML's full loader; here they are unknown.
        (
            "a: !!python/object/apply:os.system ['true']\n",
            1,
            "has the tag tag:yaml.org,2002:python/object/apply",
        ),
        ("a: !!python/name:os.system x\n", 1, "could not determine a constructor for the tag"),
        ("a: !!set {x, y}\n", 1, "has the tag tag:yaml.org,2002:set: delete it"),
    ],
)
def test_refuses_with_the_line(tmp_path: Path, content: str, line: int, words: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(ConfigError) as caught:
        read_yaml(path)
    assert str(caught.value).startswith(f"{path}:{line} ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a: \xff\n", "cannot be read ('utf-8' codec can't decode byte 0xff"),
        ("a: &endless [*endless]\n", "nests without end: mend the anchor that holds an alias of itself"),
    ],
)
def test_refuses_without_a_line(tmp_path: Path, content: str | bytes, words: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(ConfigError, match="^" + str(path)) as caught:
        read_yaml(path)
    assert words in str(caught.value)


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"nowhere.yaml does not exist: create it, or run `leadflow init`\.$"
    ):
        read_yaml(tmp_path / "nowhere.yaml")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_yaml(tmp_path)


def test_lines(tmp_path: Path) -> None:
    document = read_yaml(written(tmp_path, "a: 1\nb:\n  - x: 1\n    y: 2\n  - x: 3\n"))
    assert document.line("a") == 1
    assert document.line("b", 0, "y") == 4
    assert document.line("b", 1, "x") == 5
    assert document.line("b", 1, "missing") == 5, "the nearest known parent"
    assert document.line("missing") == 1
    assert document.where("b", 1) == f"{tmp_path / 'file.yaml'}:5"


def test_a_merged_key_is_where_the_anchor_is(tmp_path: Path) -> None:
    document = read_yaml(written(tmp_path, "x: &base\n  k: 1\ny:\n  <<: *base\n  l: 2\n"))
    assert document.line("y", "k") == 2
    assert document.line("y", "l") == 5


class Point(BaseModel):
    model_config = ConfigDict(extra="forbid")
    x: int


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = "shape"
    kind: Literal["open", "closed"] = "open"
    points: list[Point] = Field(default_factory=list)
    at: str | Point = "origin"

    @field_validator("name")
    @classmethod
    def _no_blank(cls, name: str) -> str:
        if " " in name:
            raise ValueError(f"'{name}' holds a blank.")
        return name


def shape(folder: Path, content: str, *at: str | int) -> Shape:
    return validate(Shape, read_yaml(written(folder, content)), *at)


def test_validates(tmp_path: Path) -> None:
    assert shape(tmp_path, "points: [{x: 1}]\n").points == [Point(x=1)]
    assert shape(tmp_path, "").name == "shape", "an empty file is all defaults"
    assert shape(tmp_path, "shapes:\n  - name: a\n", "shapes", 0).name == "a"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("name: a\nnmae: b\n", ["2 nmae: is not a known setting"]),
        ("name: a b\n", ["1 name: 'a b' holds a blank"]),
        ("kind: ajar\n", ["1 kind: Input should be 'open' or 'closed'"]),
        (
            "points:\n  - x: 1\n  - y: 2\n",
            ["3 points.1.x: Field required", "3 points.1.y: is not a known setting"],
        ),
        ("points:\n  - x: 1\n  - x: one\n", ["3 points.1.x: Input should be a valid integer"]),
        ("- a\n", ["1 the file: Input should be a valid dictionary"]),
        # The names of a union's alternatives are pydantic's, not the file's.
        (
            "name: a\nat: [1]\n",
            ["2 at: Input should be a valid string or Input should be a valid dictionary"],
        ),
        (
            "at:\n  x: here\n",
            ["1 at: Input should be a valid string", "2 at.x: Input should be a valid integer"],
        ),
    ],
)
def test_every_violation_has_its_line(tmp_path: Path, content: str, said: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        shape(tmp_path, content)
    for one in said:
        assert f"{tmp_path / 'file.yaml'}:{one}" in str(caught.value)
    assert str(caught.value).endswith(": mend what each line names.")


def test_violations_below_a_part_have_the_lines_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"file.yaml:3 shapes\.0\.kind: "):
        shape(tmp_path, "shapes:\n  - name: a\n    kind: ajar\n", "shapes", 0)
