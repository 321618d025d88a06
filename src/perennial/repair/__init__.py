"""From a wheel to one that keeps its promise."""
