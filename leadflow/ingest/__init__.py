"""raw: sources.yaml, and what it says about how files become rows of the raw tables.

Belongs here: the meaning of sources.yaml and the SQL a mapping stands for. Does not belong here: running that SQL
(warehouse/landing/landing.py) and anything about what the facts are used for.
"""
