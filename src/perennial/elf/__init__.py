"""ELF files: from bytes to facts, by the loader's rules."""
