"""The demo company: a seeded simulator whose truth is known.

Belongs here: people, companies and behaviour that look like a B2B company's raw files. Does not belong here:
anything that reads those files; the simulator writes what a vendor would, and leadflow ingests it like any source.
"""
