"""kpi: made by SQL models in dbt_like_sql/kpi; nothing in Python yet."""
