"""`idiolect schema`: the JSON Schema of a plan."""

from __future__ import annotations

import typer


def schema() -> None:
    """Print the JSON Schema of what `plan --json` prints."""
    import json

    from idiolect.plan.schema import plan_schema

    typer.echo(json.dumps(plan_schema(), indent=2, ensure_ascii=False))
