"""`python -m idiolect`: the command line."""

from __future__ import annotations

from idiolect.cli.app import main

if __name__ == "__main__":
    main()
