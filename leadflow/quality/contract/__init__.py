"""Contracts: what a schema.yml says, read and checked.

Belongs here: tables, columns and tests as values, and every key of a schema.yml. Does not belong here: running a test
(checking/). The way in is quality/contracts.py.
"""
