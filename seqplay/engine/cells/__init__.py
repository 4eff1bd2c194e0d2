"""The built-in cells: one file each, exported through the same entry points as a plugin's."""
