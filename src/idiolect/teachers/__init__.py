"""Whoever answers prompts: a server behind a journal, the rules of a dialect, or the journal alone."""
