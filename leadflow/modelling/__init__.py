"""Fitting a model of winning and measuring how well scores rank: what features' checks and scoring both need.

Belongs here: pure functions of labelled rows. Does not belong here: any stage, its tables and what is done with a
model (scoring/) or a finding (features/leakage.py).
"""
