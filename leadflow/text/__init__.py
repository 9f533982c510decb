"""What several stages need to know about text: names of people and companies, addresses, phones, titles.

Belongs here: pure functions on one value at a time. Does not belong here: tables, stages, configuration.
"""
