"""Landing: files into raw tables, once, and what of them is refused.

Belongs here: reading files with DuckDB and upserting their rows. Does not belong here: what sources.yaml means (ingest/).
"""
