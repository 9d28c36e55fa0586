"""The dialect AutoHotkey v2: the load-time rules of its interpreter, checked without running it."""
