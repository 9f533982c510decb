"""Checking tables against their contracts with Great Expectations.

Belongs here: how each test runs and what its outcome means. Does not belong here: how tests are declared (contract/), and
Dagster (quality/checks.py).
"""
