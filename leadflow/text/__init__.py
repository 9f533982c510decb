"""What several stages need to know about text: names of people and companies, addresses, phones, titles.

Belongs here: pure functions on one value at a time, and, in *_columns.py, the same for a column of usual values at a fraction of
the cost. Does not belong here: tables, stages, configuration.
"""
