"""perennial: what a Linux wheel honestly is, why, and where it runs (PEP 600, PEP 656)."""

__version__ = "0.1.0.dev0"
