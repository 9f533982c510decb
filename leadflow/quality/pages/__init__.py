"""Pages for people: the data dictionary, the list of tests, the validation report.

Belongs here: pure functions from contracts and results to text. Does not belong here: reading the warehouse and writing
files.
"""
