"""Idiolect builds small language models that write your own language."""

__version__ = "0.1.0"
