"""The run directory: what a trainer writes and every viewer reads, with the standard library only."""
