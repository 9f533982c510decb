"""features: made by SQL models in dbt_like_sql/features and the macro features(spine); nothing in Python yet."""
