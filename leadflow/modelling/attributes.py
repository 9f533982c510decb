"""Declared attributes as features: a JSON object in the features' tables, columns where one is fitted or measured.

Belongs here: which features there are, and their names. Does not belong here: what is made of them (columns.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import polars as pl

from leadflow.modelling.columns import FeatureSpec

ATTRIBUTE_PREFIX = "attribute "
"""Columns of declared attributes are named with it, so that none can be taken for a feature of leadflow's own."""


def is_attribute(feature: str) -> bool:
    """Whether the feature is a declared attribute; its values may be personal and are not told in reasons."""
    return feature.startswith(ATTRIBUTE_PREFIX)


def declared_types(attributes: pl.DataFrame) -> dict[str, str]:
    """Type by name, from rows of attribute and value_type."""
    return dict(attributes.select("attribute", "value_type").unique().sort("attribute").iter_rows())


def with_attributes(frame: pl.DataFrame, declared: Mapping[str, str]) -> pl.DataFrame:
    """The attributes' JSON object as one column per declared attribute: numbers and booleans as numbers, else texts."""
    columns = []
    for name, value_type in declared.items():
        text = pl.col("attributes").str.json_path_match(f'$["{_escaped(name)}"]')
        if value_type == "number":
            text = text.cast(pl.Float64, strict=False)
        elif value_type == "boolean":
            text = (text == "true").cast(pl.Float64)
        columns.append(text.alias(ATTRIBUTE_PREFIX + name))
    return frame.with_columns(columns).drop("attributes")


def feature_spec(
    roles: Mapping[str, str | None], frame: pl.DataFrame, left_out: Collection[str] = ()
) -> FeatureSpec:
    """The features of a frame: columns that a contract marks as such, and the declared attributes.

    Args:
        roles: 'numeric', 'categorical' or None by column of features.lead_features.
        frame: the examples, declared attributes in columns of their own.
        left_out: features that no model may use.
    """
    attributes = [name for name in frame.columns if is_attribute(name)]
    numeric = [name for name in attributes if frame[name].dtype.is_numeric()]
    numeric = [name for name, role in roles.items() if role == "numeric"] + numeric
    categorical = [name for name, role in roles.items() if role == "categorical"]
    categorical += [name for name in attributes if not frame[name].dtype.is_numeric()]
    return FeatureSpec(
        numeric=[name for name in numeric if name not in left_out],
        categorical=[name for name in categorical if name not in left_out],
    )


def _escaped(name: str) -> str:
    """A name as it stands between double quotes in a JSON path."""
    return name.replace("\\", "\\\\").replace('"', '\\"')
