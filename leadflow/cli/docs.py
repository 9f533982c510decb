"""Writing the generated documents: `make docs`.

Belongs here: gathering what the documents need and writing them. Does not belong here: their content.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from leadflow.cli.editor_schemas import write_reference_files
from leadflow.settings import Settings, load_settings

if TYPE_CHECKING:
    from leadflow.quality.contract.tables import Contracts
    from leadflow.quality.pages.dictionary import Dictionary, Made
    from leadflow.warehouse.models.sql_models import SqlRoom

_PYTHON_FILES = {
    "raw": "leadflow/ingest/assets.py",
    "quality": "leadflow/warehouse/tables.py",
    "publish": "leadflow/warehouse/publish.py",
}
"""Where the tables of a stage are made that is not named like its folder."""


def documents(dictionary: Dictionary) -> dict[str, str]:
    """Every generated document as it should be now, by its path below the project."""
    from leadflow.quality.pages.dictionary_markdown import markdown_dictionary
    from leadflow.quality.pages.dictionary_page import page_dictionary
    from leadflow.quality.pages.feature_registry import feature_page

    return {
        "docs/data_dictionary.md": markdown_dictionary(dictionary),
        "docs/data_dictionary.html": page_dictionary(dictionary),
        "docs/features.md": feature_page(dictionary),
    }


def load_dictionary(settings: Settings) -> Dictionary:
    """What there is to say of every table of the project."""
    import dagster as dg

    from leadflow.definitions import build_defs, build_room
    from leadflow.quality.contracts import load_contracts
    from leadflow.quality.pages.dictionary import build_dictionary
    from leadflow.stages import PUBLISHED_TABLES
    from leadflow.warehouse.models.column_lineage import find_lineage

    graph = build_defs(**settings.model_dump()).resolve_asset_graph()
    inputs = {
        ".".join(key.path): [".".join(parent.path) for parent in graph.get(key).parent_keys]
        for key in sorted(graph.get_all_asset_keys(), key=dg.AssetKey.to_user_string)
    }
    contracts = load_contracts(settings.sql_dir)
    room = build_room(settings, contracts)
    return build_dictionary(
        contracts,
        inputs,
        find_lineage(room, contracts),
        _made(settings.project_dir, room, contracts),
        PUBLISHED_TABLES,
    )


def _made(project: Path, room: SqlRoom, contracts: Contracts) -> Mapping[str, Made]:
    """What makes each table, and where to read it."""
    from leadflow.quality.pages.dictionary import Made

    made = {}
    for name, table in contracts.items():
        if name in room.models:
            made[name] = Made("SQL", room.models[name].path.relative_to(project).as_posix())
        else:
            by = "publishing" if table.meta.get("is_mart_only") else "Python"
            made[name] = Made(by, _PYTHON_FILES.get(table.schema, f"leadflow/{table.schema}/assets.py"))
    return made


def main() -> None:
    """Write the documents of the checkout, and warn of tables whose column lineage could not be found."""
    settings = load_settings()
    dictionary = load_dictionary(settings)
    for path, text in documents(dictionary).items():
        (settings.project_dir / path).write_text(text, encoding="utf-8")
        print(f"Wrote {settings.project_dir / path}")
    write_reference_files(settings)
    for entry in dictionary.problems:
        print(f"No column lineage of {entry.name}: {entry.problem}", file=sys.stderr)


if __name__ == "__main__":
    main()
