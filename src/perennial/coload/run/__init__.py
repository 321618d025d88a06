"""Packages imported for real: every order in a process of its own, and what lies behind a failure."""
