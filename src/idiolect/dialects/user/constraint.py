"""Lowers a folder's grammar for decoding: canonical spacing, catalog names in place of free ones."""
