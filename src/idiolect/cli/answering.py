"""What `generate`, `infer` and `chat` share: opening what answers, and saying how an answer came about."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from idiolect.cli.report import USAGE, stop

if TYPE_CHECKING:
    from idiolect.decode.opened import Answering
    from idiolect.decode.pipeline import Outcome
    from idiolect.problem import Problem

MOST_TEXT_BYTES = 16 << 20


def opened(
    model: str | None,
    *,
    script: Path | None = None,
    dialect: str | None = None,
    schema: Path | None = None,
    catalog: Path | None = None,
    policy: Path | None = None,
    allow_code: bool = False,
    server: str | None = None,
    server_model: str | None = None,
    server_kind: str | None = None,
    gguf: Path | None = None,
    **settings: Any,
) -> Answering:
    """What answers; with a fault the command ends here."""
    from idiolect.cli.load import load_plan
    from idiolect.cli.opening import open_dialect, read_context
    from idiolect.plan.paths import project_root

    if model is None and script is None and server is None:
        stop("error: no model is named\n   help: give --model RUN, a folder, or a base model", USAGE)
    plan = load_plan(script) if script else None
    root = project_root(script)[0] if script else Path()
    language = open_dialect(dialect, allow_code=allow_code) if dialect else None
    context = read_context(catalog, schema, policy)
    try:
        from idiolect.decode.opened import Backend, open_answering
    except ModuleNotFoundError as error:
        help = 'pip install "idiolect[train]"'
        stop(f"error: answers need {error.name}, which is not installed\n   help: {help}")
    from idiolect.decode.trouble import DecodeError
    from idiolect.runs.stage import StageError
    from idiolect.student.trouble import StudentError

    try:
        found = open_answering(
            model,
            root=root,
            plan=plan,
            dialect=language,
            context=context,
            backend=Backend(server, server_model, server_kind, None, gguf),
            allow_code=allow_code,
            **settings,
        )
    except (DecodeError, StudentError) as error:
        end_with(error.problem)
    except StageError as error:
        stop(f"error: {error}" + (f"\n   help: {error.help}" if error.help else ""))
    for note in found.notes:
        typer.echo(f"note: {note}", err=True)
    return found


def end_with(problem: Problem) -> NoReturn:
    """End the command with a problem."""
    head = f"error[{problem.code}]: {problem.message}"
    stop(head + (f"\n   help: {problem.help}" if problem.help else ""))


def text_or_file(word: str) -> str:
    """The text of a file that a word names, or the word itself."""
    from idiolect.files import Unreadable, read_small

    if word == "-":
        return typer.get_text_stream("stdin").read()
    path = Path(word)
    try:
        if "\n" in word or len(word) > 1000 or not path.exists():
            return word
        return read_small(path, MOST_TEXT_BYTES).decode("utf-8-sig")
    except Unreadable as reason:
        stop(f"error: {word} {reason}", USAGE)
    except UnicodeDecodeError as error:
        stop(f"error: {word}: byte {error.start} is not UTF-8", USAGE)
    except (OSError, ValueError):
        return word


def told(outcome: Outcome) -> list[str]:
    """How an answer came about, a line each: what was done with it and why."""
    lines = [f"{action.what}: {action.why}" for action in outcome.actions]
    return lines + [f"note: {note}" for note in outcome.notes]
