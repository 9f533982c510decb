"""The warehouse: one private DuckDB file, written atomically, and the mart published from it.

Belongs here: connections, the refresh lock, table writes and versions, the clock's table, SQL models, publishing.
Does not belong here: what any table means. This package alone imports duckdb.
"""
