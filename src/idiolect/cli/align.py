"""`idiolect align`: everything up to an aligned student; `idiolect align pairs`: the pairs alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from idiolect.cli.report import stop
from idiolect.cli.run import run_stages

if TYPE_CHECKING:
    from idiolect.plan.plan import Plan

_SCRIPT = "script"


class FileMayStandAlone(TyperGroup):
    """`align FILE` means `align script FILE`, which nobody has to type."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h"):
            args = [_SCRIPT, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=FileMayStandAlone,
    no_args_is_help=True,
    help="Tune a script's student on pairs of a better and a worse answer: align FILE.",
)


@app.command(_SCRIPT)
def align(
    file: Annotated[Path, typer.Argument(help="The .okt file.", show_default=False)],
    max_steps: Annotated[int | None, typer.Option(min=1, help="Updates in all.")] = None,
    beta: Annotated[float | None, typer.Option(min=0.0, help="Strength of the preference.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Align anew, though nothing changed.")] = False,
    allow_code: Annotated[
        bool, typer.Option("--allow-code", help="Let the code of the script's dialect and hooks run.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show the run's log.")] = False,
) -> None:
    """Run a script's stages up to the alignment."""
    from idiolect.runs.decide import Wanted
    from idiolect.runs.placed import changed

    def change(plan: Plan) -> Plan:
        if plan.align is None:
            stop(f"error: {file} has no ALIGN block\n   help: add ALIGN {{ beta: 0.1 }} to it")
        return changed(plan, "align", {"max_steps": (max_steps, "--max-steps"), "beta": (beta, "--beta")})

    forced = frozenset({"align"}) if force else frozenset()
    run_stages(file, Wanted(None, "align", forced), change, allow_code=allow_code, verbose=verbose)


@app.command("pairs")
def pairs(
    results: Annotated[
        Path, typer.Argument(help="evaluation_results.jsonl, or a folder that holds it.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Where to write the pairs.")] = Path(
        "dpo_pairs.jsonl"
    ),
    pairs_from: Annotated[
        Literal["teacher", "verifier", "both"], typer.Option(help="Whose verdicts make a pair.")
    ] = "both",
    only_rejected: Annotated[
        bool, typer.Option(help="Leave out answers that were accepted and differ.")
    ] = True,
    max_pairs: Annotated[int | None, typer.Option(min=1, help="Most pairs.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the choice among more pairs.")] = 3407,
) -> None:
    """Make preference pairs of judged answers: the teacher's or the reference beside the student's."""
    from idiolect.data.jsonl import BadRow
    from idiolect.files import Unreadable
    from idiolect.okt.blocks.extension import Align
    from idiolect.runs.manifest import CountsRecord
    from idiolect.runs.stage import StageError
    from idiolect.runs.watching import counts_text
    from idiolect.train.judged_pairs import judged_pairs
    from idiolect.train.pairs import at_most, write_pairs

    block = Align(pairs_from=pairs_from, only_rejected=only_rejected)
    try:
        found, counts = judged_pairs(results, block)
    except (StageError, BadRow) as error:
        stop(f"error: {error}")
    except Unreadable as reason:
        stop(f"error: {results} {reason}")
    kept = at_most(found, max_pairs, seed)
    write_pairs(out, kept)
    record = CountsRecord(of=counts.of, read=counts.read, kept=counts.kept, rejected=dict(counts.rejected))
    typer.echo(counts_text(record))
    if len(kept) < len(found):
        typer.echo(f"{len(kept):,} of them were chosen by seed {seed}")
    typer.echo(f"{out}: {len(kept):,} pairs")
