"""Wheels that were built on a new system, for old ones: references to newer symbols get substitutes.

Decisions are made file by file, from facts (`lower_file`); `perennial.repair` makes changes of them.
"""
