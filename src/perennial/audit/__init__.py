"""Audits: a wheel's facts, held against what platforms provide."""
