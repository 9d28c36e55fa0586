"""`idiolect chat`: a conversation in the terminal, until its exit command or Ctrl-D."""

from __future__ import annotations

import sys

import typer

from idiolect.cli.answering import opened, told
from idiolect.cli.generate import (
    AllowCode,
    Gguf,
    MaxTokens,
    Model,
    Script,
    Seed,
    Server,
    ServerModel,
    Temperature,
)

_KEPT_TURNS = 20  # of the conversation, so that a long one still fits


def chat(
    model: Model = None,
    max_tokens: MaxTokens = None,
    temperature: Temperature = None,
    seed: Seed = 0,
    script: Script = None,
    server: Server = None,
    server_model: ServerModel = None,
    gguf: Gguf = None,
    allow_code: AllowCode = False,
) -> None:
    """Talk with the model: BEHAVIOR.prompt_style is the form, INFERENCE.exit_command ends it."""
    from idiolect.decode.pipeline import Question
    from idiolect.decode.trouble import DecodeError

    found = opened(
        model, script=script, allow_code=allow_code, server=server, server_model=server_model, gguf=gguf,
        max_tokens=max_tokens, temperature=temperature, seed=seed, chat=True,
    )  # fmt: skip
    leave = _ways_out(found.plan)
    talking = sys.stdin.isatty()
    if talking:
        typer.echo(f"{leave[0]} or Ctrl-D ends the chat.", err=True)
    history: list[dict[str, str]] = []
    while True:
        try:
            said = input("> " if talking else "").strip()
        except (EOFError, KeyboardInterrupt):
            if talking:
                typer.echo("", err=True)
            return
        if said in leave:
            return
        if not said:
            continue
        try:
            outcome = found.pipeline.ask(Question(said, history=tuple(history[-2 * _KEPT_TURNS :])))
        except DecodeError as error:
            typer.echo(f"error[{error.problem.code}]: {error}", err=True)
            if history:
                history.clear()
                typer.echo("the conversation is begun anew", err=True)
            continue
        except KeyboardInterrupt:
            typer.echo("(stopped)", err=True)
            continue
        for line in told(outcome):
            typer.echo(line, err=True)
        print(outcome.text, flush=True)
        history += [{"role": "user", "content": said}, {"role": "assistant", "content": outcome.text}]


def _ways_out(plan: object) -> tuple[str, ...]:
    """Words that end a chat: the script's; plain `exit` as well as long as it names none."""
    from idiolect.plan.plan import Plan

    if isinstance(plan, Plan) and plan.inference is not None:
        setting = plan.settings.get("INFERENCE.exit_command")
        if setting is not None and setting.origin.kind not in ("default", "proposed"):
            return (plan.inference.exit_command,)
        return (plan.inference.exit_command, "exit")
    return ("/exit", "exit")
