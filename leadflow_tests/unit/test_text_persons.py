import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadflow.text.person_matching import PERSON_LEVELS, are_nicknames, compare_persons
from leadflow.text.persons import NAME_PROBLEMS, name_problem, person_key, read_person


@pytest.mark.parametrize(
    ("text", "given_names", "family"),
    [
        ("Anna MEYER", ("anna",), "meyer"),
        ("Meyer, Dr. Anna", ("anna",), "meyer"),
        ("Prof. Dr. José Núñez PhD", ("jose",), "nunez"),
        ("Vincent van Gogh", ("vincent",), "van gogh"),
        ("J. P. Morgan", ("j", "p"), "morgan"),
        ("Robert (Bob) Smith", ("robert",), "smith"),
        ("O'Brien, Pat", ("pat",), "obrien"),
        ("Madonna", ("madonna",), ""),
        ("王小明", ("小明",), "王"),
        ("小明 王", ("小明",), "王"),
        ("歐陽小明", ("小明",), "欧阳"),
        ("王总", (), "王"),
        ("老王", (), "王"),
        ("王女士", (), "王"),
        ("王伟先生", ("伟",), "王"),
    ],
)
def test_read_person(text: str, given_names: tuple[str, ...], family: str) -> None:
    name = read_person(text)
    assert name is not None
    assert (name.given, name.family) == (given_names, family)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("n/a", "absent"), (None, "absent"), ("\u200b", "absent"), ("123", "no_letters"), ("🎉", "no_letters"), ("test", "placeholder"),
        ("Test Test", "placeholder"), ("no name", "placeholder"), ("测试", "placeholder"), ("张三", "placeholder"), ("info", "placeholder"),
        ("aaa", "repeated"), ("hahaha", "repeated"), ("asdfgh", "keyboard"), ("poiuy", "keyboard"), ("jane@example.com", "address"),
        ("x" * 10_000, "too_long"), ("Anna Meyer", None), ("Li Li", None), ("王丽丽", None), ("丽丽", None), ("Bo", None),
    ],
)  # fmt: skip
def test_name_problem(text: str | None, problem: str | None) -> None:
    assert name_problem(text) == problem
    assert problem is None or NAME_PROBLEMS[problem]
    assert problem is None or read_person(text) is None


@pytest.mark.parametrize(
    ("one", "other", "level"),
    [
        ("Dr. Anna Meyer", "anna MEYER", "exact"),
        ("張偉", "张伟", "exact"),
        ("Robert Smith", "Smith Robert", "same"),
        ("Maria Garcia Lopez", "Maria Garcia", "same"),
        ("王伟", "Wang Wei", "same"),
        ("王小明", "Xiaoming Wang", "same"),
        ("曾文", "Zeng Wen", "same"),  # as a family name it does not sound like ceng
        ("Robert Smith", "Smith, Bob", "nickname"),
        ("Gustav Berg", "Gus Berg", "nickname"),
        ("王伟", "王玮", "sound"),
        ("R. Smith", "Robert Smith", "initial"),
        ("Robert Smith", "Robrt Smith", "typo"),
        ("王总", "王伟", "family"),
        ("Anna Meyer", "Eva Meyer", "family"),
        ("Anna", "Anna Smith", "given"),
        ("陈伟", "程伟", "given"),
        ("Anna Meyer", "Peter Smith", "different"),
        ("test", "test", "different"),
    ],
)
def test_compare_persons(one: str, other: str, level: str) -> None:
    comparison = compare_persons(one, other)
    assert comparison.level == level
    assert compare_persons(other, one) == comparison


def test_surer_levels_score_higher_than_the_family_name_alone() -> None:
    family = compare_persons("Anna Meyer", "Eva Meyer").score
    for one, other in [("Robert Smith", "Bob Smith"), ("R. Smith", "Robert Smith"), ("王伟", "王玮")]:
        assert compare_persons(one, other).score > family


def test_rare_uses_do_not_chain_nicknames() -> None:
    assert are_nicknames("bob", "robert")
    assert not are_nicknames("alexander", "alice")


def test_one_key_for_the_spellings_of_a_name() -> None:
    spellings = ["王小明", "小明 王", "Wang Xiaoming", "XIAO MING WANG", "Wang, Xiao-Ming"]
    assert {person_key(text) for text in spellings} == {"ming wang xiao"}
    assert person_key("Müller, Dr. Jörg") == person_key("joerg muller".replace("oe", "o"))
    assert person_key("test") is None


_NAMES = st.sampled_from(
    [
        "Anna Meyer",
        "Meyer Anna",
        "Ann Meyer",
        "A. Meyer",
        "王伟",
        "Wang Wei",
        "王总",
        "Wei",
        "van der Berg, Jo",
    ]
)


@settings(max_examples=200)
@given(_NAMES | st.text(max_size=20), _NAMES | st.text(max_size=20))
def test_comparing_is_symmetric_and_known(one: str, other: str) -> None:
    comparison = compare_persons(one, other)
    assert comparison.level in PERSON_LEVELS
    assert compare_persons(other, one) == comparison
