"""JSON schemas by which editors complete and check a schema.yml.

Belongs here: the vocabulary of contracts as JSON Schema. Does not belong here: reading contracts (contract/).
"""
