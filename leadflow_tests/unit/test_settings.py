"""Settings from the environment: what holds, what is refused, and where the home's files are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from leadflow.errors import ConfigError
from leadflow.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("LEADFLOW_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_defaults(tmp_path: Path) -> None:
    settings = load_settings()
    assert settings.home == tmp_path / ".leadflow"
    assert settings.warehouse_path == tmp_path / ".leadflow" / "warehouse.duckdb"
    assert settings.marts_path == tmp_path / ".leadflow" / "marts.duckdb"
    assert settings.sources_path == tmp_path / ".leadflow" / "sources.yaml"
    assert settings.policy_path == tmp_path / ".leadflow" / "policy.yaml"
    assert settings.threads is None
    assert settings.memory_limit is None
    assert (settings.sql_dir / "dbt_project.yml").is_file(), "the SQL room that comes with leadflow"


@pytest.mark.parametrize(
    ("name", "given", "field", "value"),
    [
        ("HOME", "/data/leads", "home", Path("/data/leads")),
        ("HOME", "~/leads", "home", Path.home() / "leads"),
        ("THREADS", "2", "threads", 2),
        ("MEMORY_LIMIT", "4GB", "memory_limit", "4GB"),
        ("MEMORY_LIMIT", "1.5 GiB", "memory_limit", "1.5 GiB"),
        ("LOCK_WAIT_SECONDS", "0", "lock_wait_seconds", 0.0),
        ("CONNECT_WAIT_SECONDS", "0.5", "connect_wait_seconds", 0.5),
        # Set but empty, as a shell or a compose file leaves it: as if it were not set.
        ("HOME", "", "home", None),
        ("SOURCES", "", "sources", None),
        ("THREADS", "", "threads", None),
    ],
)
def test_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, given: str, field: str, value: object
) -> None:
    monkeypatch.setenv(f"LEADFLOW_{name}", given)
    expected = tmp_path / ".leadflow" if (field, value) == ("home", None) else value
    assert getattr(load_settings(), field) == expected


@pytest.mark.parametrize(
    ("name", "given", "reason"),
    [
        ("THREADS", "0", "greater than or equal to 1"),
        ("THREADS", "two", "valid integer"),
        ("MEMORY_LIMIT", "much", "should match pattern"),
        ("MEMORY_LIMIT", "80%", "should match pattern"),
        ("LOCK_WAIT_SECONDS", "-1", "greater than or equal to 0"),
        ("CONNECT_WAIT_SECONDS", "soon", "valid number"),
    ],
)
def test_a_wrong_value_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, given: str, reason: str
) -> None:
    monkeypatch.setenv(f"LEADFLOW_{name}", given)
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert str(caught.value).startswith(f"setting LEADFLOW_{name} = '{given}': ")
    assert reason in str(caught.value)
    assert str(caught.value).endswith("correct the environment variable.")


def test_an_override_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LEADFLOW_HOME", "/elsewhere")
    monkeypatch.setenv("LEADFLOW_THREADS", "3")
    settings = load_settings(home=tmp_path / "mine", threads=None)
    assert settings.home == tmp_path / "mine"
    assert settings.threads == 3, "an override that is None is none"


def test_named_files_go_before_the_homes(tmp_path: Path) -> None:
    settings = load_settings(sources=Path("my.yaml"), policy=Path("strict.yaml"))
    assert settings.sources_path == tmp_path / "my.yaml"
    assert settings.policy_path == tmp_path / "strict.yaml"


def test_the_home_is_made(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "deep" / "home")
    settings.ensure_home()
    settings.ensure_home()
    assert sorted(path.name for path in settings.home.iterdir()) == ["cache", "dagster", "landing", "models"]


@pytest.mark.parametrize("home", ["file", "file/home"])
def test_a_home_that_cannot_be_made(tmp_path: Path, home: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"^LEADFLOW_HOME .+ cannot be created \(.+\): .*set LEADFLOW_HOME"):
        Settings(home=tmp_path / home).ensure_home()


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_home_that_is_not_writable(tmp_path: Path) -> None:
    home = tmp_path / "home"
    Settings(home=home).ensure_home()
    home.chmod(0o500)
    try:
        with pytest.raises(ConfigError, match="is not writable: make it writable or set LEADFLOW_HOME"):
            Settings(home=home).ensure_home()
    finally:
        home.chmod(0o700)
