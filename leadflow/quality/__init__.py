"""Table contracts, Great Expectations and check results.

Belongs here: reading `schema.yml`, running its tests inside DuckDB, and the shape of what they found. Does not
belong here: writing tables, including `quality.results` (warehouse/). This room alone imports
great_expectations, and only inside functions: that import takes seconds.
"""
