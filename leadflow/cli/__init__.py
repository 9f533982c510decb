"""The command line: thin words around the same jobs and tables that the Dagster UI uses."""

from leadflow.cli.main import main

__all__ = ["main"]
