"""`idiolect serve` and `deploy`: answers over HTTP; and the keys of those who may ask."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from idiolect.cli.answering import opened
from idiolect.cli.generate import AllowCode, Gguf, MaxTokens, Server, ServerKind, ServerModel, Temperature
from idiolect.cli.report import USAGE, stop

if TYPE_CHECKING:
    from idiolect.decode.opened import Answering
    from idiolect.serve.settings import ServeSettings
    from idiolect.serve.trouble import ServeError

_ELSEWHERE = {
    "cloud": "make the folder of PACKAGE, copy it to the machine, and start its serve behind your proxy",
    "edge": "make the folder of PACKAGE and start its serve on the device, or export gguf for llama.cpp",
    "android": "put the exported gguf (llama.cpp) or onnx (onnxruntime-mobile) file into the app",
    "ios": "put the exported gguf (llama.cpp) or onnx (onnxruntime) file into the app",
}


class _FirstIsStart(TyperGroup):
    """`serve FILE` is `serve start FILE`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        known = {*self.commands, "--help", "-h"}
        return super().parse_args(ctx, args if args and args[0] in known else ["start", *args])


app = typer.Typer(
    cls=_FirstIsStart,
    help="Serve answers over HTTP: serve FILE.okt, or serve --model RUN; serve keys for who may ask.",
    no_args_is_help=False,
)
keys = typer.Typer(no_args_is_help=True, help="Make, list and remove the keys of callers.")
app.add_typer(keys, name="keys")

_Project = Annotated[Path, typer.Option("--project", help="The project's folder.")]


@app.command()
def start(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE.okt]", help="The script.", show_default=False)
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="A run, a student's folder, or a base model.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; default 127.0.0.1.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Default: DEPLOY.port, else 8300.")
    ] = None,
    endpoint: Annotated[str | None, typer.Option(help="Route; default: DEPLOY's, else /<project>.")] = None,
    auth: Annotated[
        bool | None, typer.Option("--auth/--no-auth", help="Ask callers for a key.", show_default=False)
    ] = None,
    certificate: Annotated[Path | None, typer.Option(help="PEM file, for https.")] = None,
    certificate_key: Annotated[Path | None, typer.Option(help="PEM file of its key.")] = None,
    max_requests: Annotated[int | None, typer.Option(min=1, help="Answered at the same time.")] = None,
    queue: Annotated[int | None, typer.Option(min=0, help="Waiting for that; default 64.")] = None,
    request_timeout: Annotated[
        float | None, typer.Option(min=0.1, help="Seconds for one request; default 120.")
    ] = None,
    rate_limit: Annotated[int | None, typer.Option(min=1, help="Requests a client and minute.")] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option("--allow-host", help="One more name that it may be called by; repeatable."),
    ] = None,
    log: Annotated[
        Path | None, typer.Option("--log", help="File for the log of requests; default: standard error.")
    ] = None,
    log_prompts: Annotated[
        Path | None,
        typer.Option("--log-prompts", help="Keep requests, answers and feedback in a file for data harvest."),
    ] = None,
    max_tokens: MaxTokens = None,
    temperature: Temperature = None,
    server: Server = None,
    server_model: ServerModel = None,
    server_kind: ServerKind = None,
    gguf: Gguf = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    allow_code: AllowCode = False,
) -> None:
    """Answer over HTTP: OpenAI's interface, /generate, /check, and a page to ask at.

    SIGTERM or ctrl-C finishes what is being answered and ends with 0; a second one ends at once.
    """
    given = {
        "host": host,
        "port": port,
        "endpoint": f"/{endpoint.strip('/')}" if endpoint else None,
        "requires_auth": auth,
        "certificate": certificate,
        "certificate_key": certificate_key,
        "most_requests": max_requests,
        "queue": queue,
        "request_timeout_s": request_timeout,
        "per_minute": rate_limit,
        "hosts": tuple(allow_host) if allow_host else None,
        "log_prompts": log_prompts,
    }
    about = {"server": server, "server_model": server_model, "server_kind": server_kind, "gguf": gguf}
    settings = {"max_tokens": max_tokens, "temperature": temperature, "device": device}
    _start(file, model, given, log, allow_code=allow_code, **about, **settings)


def deploy(
    file: Annotated[Path | None, typer.Argument(help="The script.", show_default=False)] = None,
    model: Annotated[str | None, typer.Option("--model", "-m", help="A run or a student's folder.")] = None,
    target: Annotated[str | None, typer.Option(help="In place of DEPLOY.target.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="In place of DEPLOY.port.")] = None,
    allow_code: AllowCode = False,
) -> None:
    """Act on DEPLOY: serve here for local, api, desktop and web; say what to do for the others."""
    from typing import get_args

    from idiolect.cli.load import load_plan
    from idiolect.okt.blocks.ship import Deploy

    known = get_args(get_args(Deploy.model_fields["target"].annotation)[0])
    if target is not None and target not in known:
        stop(f'error: no target "{target}"\n   help: write {", ".join(known)}', USAGE)
    if file is None and model is None:
        stop("error: nothing is named to deploy\n   help: idiolect deploy FILE.okt, or --model RUN", USAGE)
    block = load_plan(file).deploy if file is not None else None
    if file is not None and block is None and target is None:
        help = 'add DEPLOY { target: "api" } to it, or give --target'
        stop(f"error: {file} has no DEPLOY block\n   help: {help}")
    wanted = target or (block.target if block else None) or "local"
    if wanted in _ELSEWHERE:
        stop(f'error[L818]: target "{wanted}" is not served from here\n   help: {_ELSEWHERE[wanted]}')
    gguf = _exported_gguf(file) if file is not None and block is not None and block.format == "gguf" else None
    _start(file, model, {"port": port}, None, allow_code=allow_code, gguf=gguf)


def _start(
    file: Path | None, model: str | None, given: dict[str, Any], log: Path | None, **about: Any
) -> NoReturn:
    """Open what answers, and serve until it ends."""
    try:
        from idiolect.serve.journal import Journal
        from idiolect.serve.server import check_start, serve
        from idiolect.serve.settings import settings_of
        from idiolect.serve.trouble import ServeError
    except ModuleNotFoundError as error:
        lacking(error)
    from idiolect.cli.load import load_plan
    from idiolect.plan.paths import project_root

    plan = load_plan(file) if file is not None else None
    root = project_root(file)[0] if file is not None else Path()
    try:
        if plan is not None:  # before a model is loaded for nothing
            check_start(settings_of(plan, root, name=plan.project.name, **given))
        answering = opened(_served(model, file), script=file, **about)
        settings, run = _settings(answering, model, root, given)
        journal = Journal(log.open("a", encoding="utf-8")) if log else Journal()
        code = serve(
            answering, settings, run=run, journal=journal, say=lambda line: typer.echo(line, err=True)
        )
    except ServeError as error:
        end_with_trouble(error)
    except OSError as error:
        stop(f"error: {error.filename}: {error.strerror}")
    raise typer.Exit(code)


def _served(model: str | None, file: Path | None) -> str | None:
    """What answers for a script: its run, where it has been trained; else its base."""
    if model is not None or file is None:
        return model
    from idiolect.runs.shelf import NoSuchRun, open_run

    try:
        run = open_run(str(file), Path())
    except (NoSuchRun, OSError, ValueError):
        return None
    trained = run.manifest is not None and any(record.name == "train" for record in run.manifest.stages)
    return str(run.folder.path) if trained else None


def _settings(
    answering: Answering, model: str | None, root: Path, given: dict[str, Any]
) -> tuple[ServeSettings, Path | None]:
    """The settings of what was opened, and its run's folder."""
    from idiolect.serve.settings import settings_of

    plan = answering.plan
    name = plan.project.name if plan is not None and plan.script else Path(model or "idiolect").name
    run = root / plan.project.run_folder if plan is not None and plan.project.run_folder else None
    if model is not None and (Path(model) / "plan.json").is_file():
        run = Path(model)
    return settings_of(plan, root, name=name, **given), run


def _exported_gguf(file: Path) -> Path:
    """The GGUF file that the script's export has written."""
    from idiolect.cli.load import load_plan
    from idiolect.plan.paths import project_root

    plan, root = load_plan(file), project_root(file)[0]
    folder = root / (plan.export.path if plan.export and plan.export.path else "export")
    found = sorted(folder.glob("**/*.gguf")) if folder.is_dir() else []
    if not found:
        stop(f"error: DEPLOY.format is gguf, and {folder} holds none\n   help: idiolect export {file}")
    return found[0]


@keys.command("add")
def add_key(
    name: Annotated[str, typer.Argument(help="Who will use it.")], project: _Project = Path()
) -> None:
    """Make a key. It is printed once and kept as a hash: it can't be shown again."""
    if not name.strip() or len(name) > 100 or not name.isprintable():
        stop("error: a key's name has 1 to 100 printable characters", USAGE)
    key = _guarded(lambda: _key_file(project).add(name))
    typer.echo(f"key of {name}, shown this once:", err=True)
    typer.echo(key)


@keys.command("list")
def list_keys(project: _Project = Path()) -> None:
    """List the keys by name, with when they were made."""
    from idiolect.cli.tables import print_table

    found = _guarded(lambda: _key_file(project).keys())
    if found:
        print_table(("id", "name", "made"), [(key.id, key.name, key.made) for key in found])
    else:
        typer.echo("no keys; make one: idiolect serve keys add NAME")


@keys.command("remove")
def remove_key(
    word: Annotated[str, typer.Argument(metavar="NAME_OR_ID", help="Whose.")], project: _Project = Path()
) -> None:
    """Remove the keys of a name, or the one with an id; a server that runs refuses them from now on."""
    gone = _guarded(lambda: _key_file(project).remove(word))
    if not gone:
        stop(f'error: no key "{word}"\n   help: idiolect serve keys list')
    for key in gone:
        typer.echo(f"removed {key.id} of {key.name}")


def _key_file(project: Path) -> Any:
    from idiolect.runs.shelf import project_of
    from idiolect.serve.keys import FILE, KeyFile

    return KeyFile(project_of(project) / FILE)


def _guarded(work: Any) -> Any:
    from idiolect.serve.trouble import ServeError

    try:
        return work()
    except ServeError as error:
        end_with_trouble(error)
    except OSError as error:
        stop(f"error: {error.filename}: {error.strerror}")


def end_with_trouble(error: ServeError) -> NoReturn:
    """End a command with what keeps a server from starting."""
    from idiolect.cli.answering import end_with

    end_with(error.problem)


def lacking(error: ModuleNotFoundError) -> NoReturn:
    """End a command whose extra is not installed."""
    if error.name and error.name.startswith("idiolect"):
        raise error
    help = 'pip install "idiolect[serve,train]"'
    stop(f"error: {error.name} is needed for this, and not installed\n   help: {help}")
