"""Scoring: points by rule, a model of winning, one score from both, and the reasons for it.

Belongs here: all that turns features of a lead into a score. Does not belong here: how features are made
(features/), what is done about a lead, which numbers a team may set (leadflow/policy.py).
"""
