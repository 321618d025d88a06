"""Several wheels in one process: which object each reference is bound to, and what a second wheel changes."""
