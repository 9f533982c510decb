"""The SQL room: dbt-style models rendered, parsed, ordered, run, traced and tested.

Belongs here: everything about a SELECT of dbt_like_sql/. Does not belong here: contracts (quality/) and Dagster
(warehouse/table_assets.py).
"""
