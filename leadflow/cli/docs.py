"""Writing the generated documents: `make docs`.

Belongs here: gathering what the documents need and writing them. Does not belong here: their content.
"""

from __future__ import annotations

from pathlib import Path

from leadflow.settings import Settings, load_settings


def dictionary_text(settings: Settings) -> str:
    """docs/data_dictionary.md as it should be now."""
    import dagster as dg

    from leadflow.definitions import build_defs
    from leadflow.quality.contracts import load_contracts
    from leadflow.quality.dictionary import data_dictionary

    graph = build_defs(**settings.model_dump()).resolve_asset_graph()
    inputs = {
        ".".join(key.path): [".".join(parent.path) for parent in graph.get(key).parent_keys]
        for key in sorted(graph.get_all_asset_keys(), key=dg.AssetKey.to_user_string)
    }
    return data_dictionary(load_contracts(settings.sql_dir), inputs)


def main() -> None:
    """Write docs/data_dictionary.md of the checkout."""
    settings = load_settings()
    path = Path(settings.project_dir) / "docs" / "data_dictionary.md"
    path.write_text(dictionary_text(settings), encoding="utf-8")
    print(f"Wrote {path}")


if __name__ == "__main__":
    main()
