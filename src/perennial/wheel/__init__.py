"""Wheels on disk: file names, archives, RECORD."""
