"""Sources that are fetched over HTTP: HubSpot, and any REST API that sources.yaml describes.

Belongs here: paging, and where to go on the next time; what was fetched becomes JSON lines and lands as
a file does. Does not belong here: sending a request (leadflow/http/), what the columns mean (ingest/mapping.py) and how rows land (warehouse/landing/).

Only settings.py, source.py and defaults.py may be imported with the rest of leadflow: the other modules need the packages of the
extra `leadflow[http]`, and are imported when a source is fetched.
"""
