"""A plan in the terminal: settings with their origin, conflicts with their rule, stages with their reason."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from idiolect.plan.plan import Plan, Setting
from idiolect.plan.wording import show_value

_NARROWEST = 110  # columns of the table where the output is no terminal


def explain_field(path: str, setting: Setting) -> str:
    """One setting: its value, where it came from, and what it won over."""
    lines = [f"{path} = {show_value(setting.value, path)}", f"   from {setting.origin}"]
    for lost in setting.lost:
        source = f"{lost.origin.source}: " if lost.origin.source else ""
        lines.append(f"   over {source}{show_value(lost.value, path)}, {lost.origin}")
    return "\n".join(lines)


def explain_plan(plan: Plan, console: Console | None = None) -> None:
    """The whole plan: what the script says and what follows; plain defaults are counted, not listed."""
    console = console or Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, _NARROWEST)
    name = plan.project.name
    console.print(
        Text.assemble(
            ("Plan of ", ""), (name, "bold"), f"  ({plan.script}, runs in {plan.project.run_folder})"
        )
    )
    _settings(plan, console)
    _conflicts(plan, console)
    _stages(plan, console)


def _settings(plan: Plan, console: Console) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("setting", no_wrap=True)
    table.add_column("value", overflow="fold", max_width=48)
    table.add_column("from", overflow="fold")
    hidden = 0
    for path, setting in plan.settings.items():
        plain_default = setting.origin.kind in ("default", "proposed") and not setting.lost
        if plain_default and (setting.value is None or not _worth_showing(path)):
            hidden += 1
            continue
        table.add_row(path, Text(show_value(setting.value, path)), Text(_origin(setting)))
    console.print(table)
    console.print(f"{hidden} more settings have their default; --json lists them, --why FIELD explains one")


# Defaults that decide much and that people ask about.
_WORTH_SHOWING = {"learning_rate", "optimizer", "scheduler", "seed", "val_split", "max_seq_length", "device"}


def _worth_showing(path: str) -> bool:
    block, _, name = path.partition(".")
    return block in ("TRAIN", "TEACHER", "DEPLOY") and (name in _WORTH_SHOWING or block != "TRAIN")


def _origin(setting: Setting) -> str:
    """The origin in a few words: the heading has the file's name, and the conflicts have the rules."""
    origin = setting.origin
    if origin.line is None:
        return str(origin)
    source = {"inherited": f"inherited from {origin.source}", "override": origin.source}.get(origin.kind)
    return f"line {origin.line}, {source}" if source else f"line {origin.line}"


def _conflicts(plan: Plan, console: Console) -> None:
    if not plan.conflicts:
        return
    console.print(Text(f"\nConflicts settled: {len(plan.conflicts)}", style="bold"))
    for conflict in plan.conflicts:
        console.print(Text(f"  {conflict.field} = {show_value(conflict.value, conflict.field)}"))
        console.print(Text(f"     won    {conflict.winner}"))
        for loser in conflict.losers:
            console.print(Text(f"     lost   {loser}"))
        console.print(Text(f"     rule   {conflict.rule}"))


def _stages(plan: Plan, console: Console) -> None:
    console.print(Text("\nStages", style="bold"))
    width = max(len(stage.name) for stage in plan.stages)
    for stage in plan.stages:
        mark, style = ("runs", "green") if stage.runs else ("skips", "dim")
        console.print(Text.assemble(f"  {stage.name:<{width}}  ", (f"{mark:<5}", style), f"  {stage.why}"))
