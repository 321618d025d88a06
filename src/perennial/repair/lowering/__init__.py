"""Lowering as part of a repair."""
