"""Reads a dialect folder: dialect.toml, grammar.lark and what stands beside them.

All faults of all its files are reported in one go, each with its place and its cure. Code in the
folder (simulator.py, a command, a Python class) is loaded only where that is allowed.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from idiolect.dialects.catalog import Catalog
from idiolect.dialects.catalog_json import parse_catalog
from idiolect.dialects.command import BadCommand, CommandDialect, split_command
from idiolect.dialects.contract import Dialect
from idiolect.dialects.generic import FolderDialect
from idiolect.dialects.policy import Policy, parse_policy
from idiolect.dialects.records import RecordsError
from idiolect.dialects.simulate import Simulator
from idiolect.dialects.user import names
from idiolect.dialects.user.describing import slots
from idiolect.dialects.user.parser import UserParser
from idiolect.dialects.user.parts import Parts
from idiolect.dialects.user.problems import BadDialect, Problem, did_you_mean, problem
from idiolect.dialects.user.settings import FILE, GrammarSettings, Settings, SimulatorSettings, read_settings
from idiolect.dialects.user.toml_places import key_places
from idiolect.source import SourceText

Made = TypeVar("Made")

MAX_DEPTH = 4  # dialects embedded in dialects


def load_folder(
    folder: Path,
    *,
    allow_code: bool = False,
    depth: int = 0,
    grammar: Path | None = None,
    embedded: Dialect | None = None,
) -> Dialect:
    """The dialect that a folder describes; BadDialect lists all that is wrong with its files.

    `grammar` replaces the folder's grammar file, `embedded` the dialect inside its blocks.
    """
    reader = _Reader(folder, allow_code=allow_code, depth=depth, grammar=grammar, embedded=embedded)
    return reader.read()


def has_code(folder: Path) -> bool:
    """Whether a folder holds anything that only --allow-code runs."""
    try:
        settings = read_settings(_source(folder / FILE))
    except BadDialect:
        return False
    script = (settings.simulator or SimulatorSettings()).file
    return bool(settings.command or settings.code or (folder / script).is_file())


class _Reader:
    """Collects the parts of one folder and the problems met on the way."""

    def __init__(
        self,
        folder: Path,
        *,
        allow_code: bool,
        depth: int,
        grammar: Path | None = None,
        embedded: Dialect | None = None,
    ) -> None:
        self.folder = folder
        self.allow_code = allow_code
        self.depth = depth
        self.grammar = grammar
        self.embedded = embedded
        self.problems: list[Problem] = []
        self.source = _source(folder / FILE)
        self.settings: Settings = self._with_grammar(read_settings(self.source))

    def _with_grammar(self, settings: Settings) -> Settings:
        """The settings with the grammar that replaces the folder's own, if there is one."""
        if self.grammar is None:
            return settings
        told = (settings.grammar or GrammarSettings()).model_copy(
            update={"file": str(self.grammar.resolve())}
        )
        return settings.model_copy(update={"grammar": told})

    def read(self) -> Dialect:
        settings = self.settings
        if settings.grammar is None and not (self.folder / GrammarSettings().file).is_file():
            return self._command_only()
        grammar_settings = settings.grammar or GrammarSettings()
        grammar = self._try(
            lambda: _source(self.grammar or self._inside(grammar_settings.file, "grammar", "file"))
        )
        parser = None
        if grammar is not None:
            parser = self._try(
                lambda: UserParser(
                    grammar,
                    self.folder,
                    grammar_settings,
                    brackets=settings.brackets,
                    described=settings.terminals,
                )
            )
        catalog, policy = self._catalog(), self._policy()
        self._check_command()
        inner = self._embedded()
        if parser is not None:
            self.problems += self._cross_checks(parser, catalog)
        if self.problems:
            if parser is not None:
                parser.close()
            raise BadDialect(self.problems)
        assert grammar is not None
        assert parser is not None
        manual = self.folder / "manual.md"
        parts = Parts(
            settings=settings,
            folder=self.folder,
            grammar=grammar,
            parser=parser,
            catalog=catalog,
            policy=policy,
            embedded=inner,
            simulator=self._simulator(),
            not_run=tuple(self._not_run()),
            manual=manual.read_text(encoding="utf-8", errors="replace") if manual.is_file() else "",
        )
        return self._class()(parts)

    def _try(self, make: Callable[[], Made]) -> Made | None:
        try:
            return make()
        except BadDialect as error:
            self.problems += error.problems
            return None

    def _problem(self, code: str, message: str, key: tuple[str, ...], hint: str | None = None) -> Problem:
        """A problem at a key of dialect.toml."""
        places = key_places(self.source.text)
        span = next((places[key[:n]] for n in range(len(key), 0, -1) if key[:n] in places), None)
        return problem(self.source, code, message, span, hint)

    def _inside(self, name: str, *key: str) -> Path:
        """A file of the folder; one outside of it, or missing, is a problem at its key."""
        path = self.folder / name
        if not path.resolve().is_relative_to(self.folder.resolve()):
            raise BadDialect(
                [
                    self._problem(
                        "files.outside",
                        f'"{name}" is outside of the dialect\'s folder',
                        key,
                        "copy it into the folder",
                    )
                ]
            )
        if not path.is_file():
            there = sorted(item.name for item in self.folder.iterdir() if item.is_file())
            raise BadDialect(
                [self._problem("files.missing", f'there is no file "{name}"', key, did_you_mean(name, there))]
            )
        return path

    def _command_only(self) -> Dialect:
        self._check_command()
        if self.settings.command is None:
            self.problems.append(
                problem(
                    self.source,
                    "files.missing",
                    "the folder has neither a grammar nor a command",
                    None,
                    'write a grammar.lark, or run = "checker {file}" under [command]',
                )
            )
        elif not self.allow_code:
            message = f'it runs "{self.settings.command.run}", which only --allow-code permits'
            self.problems.append(
                self._problem(
                    "code.not_allowed", message, ("command", "run"), "read it, then pass --allow-code"
                )
            )
        if self.problems:
            raise BadDialect(self.problems)
        assert self.settings.command is not None
        return CommandDialect(self.settings.command, name=self.settings.name, suffixes=self.settings.suffixes)

    def _catalog(self) -> Catalog | None:
        wanted = self.settings.catalog
        name = wanted.file if wanted else "catalog.json"
        if wanted is None and not (self.folder / name).is_file():
            return None

        def read() -> Catalog:
            source = _source(self._inside(name, "catalog", "file"))
            return _records(source, "catalog", lambda: parse_catalog(source.text, source.name))

        return self._try(read)

    def _policy(self) -> Policy | None:
        name = self.settings.policy.file if self.settings.policy else "policy.toml"
        if self.settings.policy is None and not (self.folder / name).is_file():
            return None

        def read() -> Policy:
            source = _source(self._inside(name, "policy", "file"))
            return _records(source, "policy", lambda: parse_policy(source.text, source.name))

        return self._try(read)

    def _check_command(self) -> None:
        if self.settings.command is None:
            return
        try:
            split_command(self.settings.command.run)
        except BadCommand as error:
            self.problems.append(self._problem("settings.bad_value", str(error), ("command", "run")))

    def _embedded(self) -> Dialect | None:
        embed = self.settings.embed
        if self.embedded is not None:
            if embed is None:
                message = f"the folder says not where blocks of {self.embedded.name} stand"
                hint = "write [embed] with terminal, open, close and dialect"
                self.problems.append(problem(self.source, "embed.none", message, None, hint))
            return self.embedded
        if embed is None:
            return None
        from idiolect.dialects.registry import BUILT_IN, UnknownDialect, built_in

        key = ("embed", "dialect")
        if self.depth >= MAX_DEPTH:
            self.problems.append(
                self._problem("embed.depth", "dialects are embedded in each other without end", key)
            )
            return None
        try:
            if embed.dialect in BUILT_IN:
                return built_in(embed.dialect)
            inner = self.folder / embed.dialect
            if not (inner / FILE).is_file():
                raise UnknownDialect(embed.dialect)
            return load_folder(inner, allow_code=self.allow_code, depth=self.depth + 1)
        except UnknownDialect as error:
            self.problems.append(self._problem("embed.unknown", str(error), key))
        except BadDialect as error:
            self.problems += error.problems
        return None

    def _simulator(self) -> Simulator | None:
        settings = self.settings.simulator or SimulatorSettings()
        path = self.folder / settings.file
        return Simulator(path, settings) if self.allow_code and path.is_file() else None

    def _not_run(self) -> Iterator[str]:
        if self.allow_code:
            return
        if self.settings.command is not None:
            yield f'the folder\'s command "{self.settings.command.run}" runs only with --allow-code'
        settings = self.settings.simulator or SimulatorSettings()
        if (self.folder / settings.file).is_file():
            yield f"the folder's {settings.file} runs only with --allow-code"

    def _class(self) -> type[FolderDialect]:
        code = self.settings.code
        if code is None:
            return FolderDialect
        key = ("code", "dialect")
        if not self.allow_code:
            message = f"parts of this dialect are Python code ({code.dialect}), which only --allow-code loads"
            raise BadDialect(
                [self._problem("code.not_allowed", message, key, "read it, then pass --allow-code")]
            )
        file, _, name = code.dialect.partition(":")
        path = self._inside(file, *key)
        try:
            spec = importlib.util.spec_from_file_location(f"idiolect_user_{self.settings.name}", path)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            made = getattr(module, name)
        except Exception as error:  # whatever a user's module raises is a fault of that file
            message = f"{code.dialect} can't be loaded: {type(error).__name__}: {error}"
            raise BadDialect(
                [self._problem("code.broken", message, key, 'write "file.py:ClassName"')]
            ) from error
        if not (isinstance(made, type) and issubclass(made, FolderDialect)):
            message = f"{code.dialect} is no class that extends FolderDialect"
            raise BadDialect([self._problem("code.broken", message, key)])
        return made

    def _cross_checks(self, parser: UserParser, catalog: Catalog | None) -> Iterator[Problem]:
        """Settings that name rules, terminals or symbols: each must exist."""
        known = parser.vocabulary.rules | frozenset(parser.vocabulary.terminals)
        known = frozenset(name for name in known if not name.startswith("__"))
        settings = self.settings
        uses = settings.catalog.uses if settings.catalog else {}
        for name, use in uses.items():
            key = ("catalog", "uses", name)
            if name not in known:
                yield self._unknown(name, "rule or terminal", known, key)
            if not names.is_known_use(use):
                yield self._problem("catalog.use", f'"{use}" says not what {name} names', key, names.WHAT)
            elif catalog is not None and not names.name_set(catalog, use).names:
                yield self._problem("catalog.empty", f'the catalog has nothing for "{use}"', key)
        for name in settings.terminals:
            if name not in parser.vocabulary.terminals:
                yield self._unknown(
                    name, "terminal", frozenset(parser.vocabulary.terminals), ("terminals", name)
                )
        aliases = frozenset(re.findall(r"->\s*(\w+)", parser.grammar_text))
        for rule, template in settings.describe.items():
            for name in (rule, *slots(template)):
                if name not in known | aliases:
                    yield self._unknown(name, "rule or terminal", known | aliases, ("describe", rule))
        comments = settings.comments
        if comments.keep and not (comments.line and parser.vocabulary.ignores(f"{comments.line} x")):
            message = f"comments can't be kept: the grammar ignores none that starts with {comments.line!r}"
            hint = 'write line = "#" under [comments], and in the grammar COMMENT: /#.*/ and %ignore COMMENT'
            yield self._problem("comments.not_ignored", message, ("comments", "keep"), hint)
        if settings.embed is not None and settings.embed.terminal not in known:
            yield self._unknown(settings.embed.terminal, "terminal", known, ("embed", "terminal"))

    def _unknown(self, name: str, what: str, known: frozenset[str], key: tuple[str, ...]) -> Problem:
        return self._problem(
            "settings.unknown_name", f'the grammar has no {what} "{name}"', key, did_you_mean(name, known)
        )


def _source(path: Path) -> SourceText:
    """The text of a file of the folder, or a problem that names it."""
    name = str(path)
    try:
        return SourceText(path.read_text(encoding="utf-8-sig"), name)
    except UnicodeDecodeError as error:
        message = f"not UTF-8 text: byte {error.start} is {error.object[error.start]:#04x}"
        raise BadDialect([problem(SourceText("", name), "files.encoding", message)]) from error
    except OSError as error:
        message = f"can't be read: {error.strerror}"
        raise BadDialect([problem(SourceText("", name), "files.missing", message)]) from error


def _records(source: SourceText, what: str, read: Callable[[], Made]) -> Made:
    try:
        return read()
    except RecordsError as error:
        raise BadDialect(
            problem(source, f"{what}.wrong", f"{item.path}: {item.message}", None, item.hint)
            for item in error.problems
        ) from error
