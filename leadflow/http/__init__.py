"""APIs asked over HTTP, politely and within bounds, for whichever stage asks.

Belongs here: sending one request, its settings, secrets from the environment, and where a value stands in an answer. Does
not belong here: what is asked and what becomes of it (ingest/http/, enrich/).

Only settings.py and json_paths.py may be imported with the rest of leadflow: the other modules need the packages of the
extra `leadflow[http]`, and are imported when something is asked.
"""
