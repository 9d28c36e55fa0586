"""The command line: names and one-line helps. A command's work is imported when the command runs."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from idiolect import __version__
from idiolect.cli import align, catalog, constraint, corpus, data, dialect, index, okm, runs, serve
from idiolect.cli.about import about, leave
from idiolect.cli.chat import chat
from idiolect.cli.check import check
from idiolect.cli.convert import convert
from idiolect.cli.docs import docs
from idiolect.cli.doctor import doctor
from idiolect.cli.evaluations import compare, report
from idiolect.cli.fmt import fmt
from idiolect.cli.generate import generate, infer
from idiolect.cli.init import init
from idiolect.cli.list import list_what
from idiolect.cli.logs import logs
from idiolect.cli.lsp import lsp
from idiolect.cli.package import package
from idiolect.cli.plan import plan
from idiolect.cli.run import ForceMayStandAlone, run
from idiolect.cli.schema import schema
from idiolect.cli.serve import deploy
from idiolect.cli.show import show
from idiolect.cli.stages import evaluate, export, merge
from idiolect.cli.synth import synth
from idiolect.cli.train import train
from idiolect.cli.tune import tune
from idiolect.cli.validate import validate
from idiolect.cli.web import dashboard, web

app = typer.Typer(
    name="idiolect",
    help="Build small language models that write your own language.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"idiolect {__version__}")
        raise typer.Exit


@app.callback()
def _front(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None: ...


app.command()(init)
app.command()(validate)
app.command()(fmt)
app.command()(plan)
app.command()(show)
app.command()(schema)
app.command()(docs)
app.command()(check)
app.command()(doctor)
app.command()(lsp)
app.command(cls=ForceMayStandAlone)(run)
app.command()(synth)
app.command()(logs)
app.command()(train)
app.command()(tune)
app.command("eval")(evaluate)
app.command()(compare)
app.command()(report)
app.command()(generate)
app.command()(infer)
app.command()(chat)
app.command()(merge)
app.command()(export)
app.command()(convert)
app.command()(package)
app.command()(deploy)
app.command()(dashboard)
app.command()(web)
app.command("list")(list_what)
app.command()(about)
app.command("exit")(leave)
app.add_typer(align.app, name="align")
app.add_typer(runs.app, name="runs")
app.add_typer(dialect.app, name="dialect")
app.add_typer(constraint.app, name="constraint")
app.add_typer(catalog.app, name="catalog")
app.add_typer(corpus.app, name="corpus")
app.add_typer(data.app, name="data")
app.add_typer(index.app, name="index")
app.add_typer(serve.app, name="serve")
app.add_typer(okm.app, name="okm")


def main() -> None:
    """Entry point of `idiolect` and `okto`."""
    app()


def okto_validate() -> None:
    """Entry point of `okto_validate FILE`."""
    sys.argv.insert(1, "validate")
    main()


def okto_doctor() -> None:
    """Entry point of `okto_doctor`."""
    sys.argv.insert(1, "doctor")
    main()


def okto_list() -> None:
    """Entry point of `okto_list WHAT`."""
    sys.argv.insert(1, "list")
    main()


def okto_eval() -> None:
    """Entry point of `okto_eval FILE`."""
    sys.argv.insert(1, "eval")
    main()


def okto_merge() -> None:
    """Entry point of `okto_merge --adapter A --base B --output O`."""
    sys.argv.insert(1, "merge")
    main()


def okto_deploy() -> None:
    """Entry point of `okto_deploy --model RUN --target api --port N`."""
    sys.argv.insert(1, "deploy")
    main()


def okto_infer() -> None:
    """Entry point of `okto_infer --model RUN --text TEXT`."""
    sys.argv.insert(1, "infer")
    main()
