"""Renderers: an audit's report as text, JSON, SARIF and GitHub annotations."""
