"""Where leadflow runs: one typed settings object, read from environment variables with the prefix LEADFLOW_.

Belongs here: paths of the home, limits of the machine. Does not belong here: what the business decides
(policy.py) and where data comes from (ingest/sources.py).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from leadflow.errors import ConfigError

ENV_PREFIX = "LEADFLOW_"


def _project_dir() -> Path:
    """Folder that holds dbt_like_sql/ and dagster.yaml: the checkout, or the copy inside an installed wheel."""
    package = Path(__file__).resolve().parent
    return package.parent if (package.parent / "dbt_like_sql").is_dir() else package / "_project"


class Settings(BaseSettings):
    """Everything about a leadflow installation that is not business policy.

    Attributes:
        home: folder of the warehouse, the mart, the Dagster instance, models and configuration.
        sources: sources.yaml to use in place of the home's own.
        policy: policy.yaml to use in place of the home's own.
        threads: threads that DuckDB may use; null leaves the choice to DuckDB (all cores).
        memory_limit: memory that DuckDB may use before it spills to disk, such as '4GB'; null is 80 % of the
            machine, but 4 GB at most.
        temp_directory: where DuckDB spills to; null is `tmp/` in the home.
        lock_wait_seconds: how long a refresh waits for another one to end before it gives up.
        connect_wait_seconds: how long a connection waits for another program to let go of the warehouse.
        project_dir: folder that holds dbt_like_sql/.
    """

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, env_ignore_empty=True, extra="ignore")

    home: Path = Path(".leadflow")
    sources: Path | None = None
    policy: Path | None = None
    threads: int | None = Field(default=None, ge=1)
    memory_limit: str | None = Field(default=None, pattern=r"^\d+(\.\d+)?\s*([KMGT]i?B)$")
    temp_directory: Path | None = None
    lock_wait_seconds: float = Field(default=3600.0, ge=0)
    connect_wait_seconds: float = Field(default=30.0, ge=0)
    project_dir: Path = Field(default_factory=_project_dir)

    @field_validator("home", "sources", "policy", "temp_directory", "project_dir")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return None if path is None else path.expanduser().absolute()

    @property
    def warehouse_path(self) -> Path:
        """The private warehouse: one writer, never opened by BI tools."""
        return self.home / "warehouse.duckdb"

    @property
    def marts_path(self) -> Path:
        """The published mart, replaced by atomic rename."""
        return self.home / "marts.duckdb"

    @property
    def quality_report_path(self) -> Path:
        """The validation report as a page, written anew at the end of every run."""
        return self.home / "quality_report.html"

    @property
    def dagster_home(self) -> Path:
        """DAGSTER_HOME of this installation."""
        return self.home / "dagster"

    @property
    def models_dir(self) -> Path:
        """Trained models, one JSON file a version."""
        return self.home / "models"

    @property
    def policies_dir(self) -> Path:
        """Policies that leads were scored by, one JSON file a version."""
        return self.home / "policies"

    @property
    def landing_dir(self) -> Path:
        """Folder for source files that have no place of their own."""
        return self.home / "landing"

    @property
    def cache_dir(self) -> Path:
        """What can be recomputed at any time, such as parsed SQL models."""
        return self.home / "cache"

    def cache_file(self, name: str) -> Path | None:
        """A file in cache_dir, such as that of parsed SQL; None without a home, which looking at definitions does not make."""
        return self.cache_dir / name if self.home.is_dir() else None

    @property
    def lock_path(self) -> Path:
        """File whose operating-system lock a refresh holds."""
        return self.home / "refresh.lock"

    @property
    def sources_path(self) -> Path:
        """The sources.yaml in force."""
        return self.sources or self.home / "sources.yaml"

    @property
    def policy_path(self) -> Path:
        """The policy.yaml in force; where it does not exist, the defaults hold."""
        return self.policy or self.home / "policy.yaml"

    @property
    def sql_dir(self) -> Path:
        """The SQL room: models, contracts and macros."""
        return self.project_dir / "dbt_like_sql"

    def ensure_home(self) -> None:
        """Make the home's folders.

        Raises:
            ConfigError: the home cannot be made or written to.
        """
        try:
            for folder in (self.home, self.dagster_home, self.models_dir, self.landing_dir, self.cache_dir):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"LEADFLOW_HOME {self.home} cannot be created ({error.strerror})",
                "make its parent folder writable or set LEADFLOW_HOME to a folder that is",
            ) from None
        if not os.access(self.home, os.W_OK | os.X_OK):
            raise ConfigError(
                f"LEADFLOW_HOME {self.home} is not writable",
                "make it writable or set LEADFLOW_HOME to a folder that is",
            )


def load_settings(**overrides: Any) -> Settings:
    """Settings from the environment, with overrides by name.

    Raises:
        ConfigError: an environment variable holds a value that does not fit.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(str(step) for step in first["loc"])
        raise ConfigError(
            f"setting {ENV_PREFIX}{name.upper()} = {first['input']!r}: {first['msg']}",
            "correct the environment variable",
        ) from None
