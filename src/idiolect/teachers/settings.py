"""How a server is to be asked: the TEACHER block's values, and those that only Python callers set."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from idiolect.okt.blocks.extension import Teacher as TeacherSection
from idiolect.teachers.problem import TeacherProblem
from idiolect.teachers.wire import checked_url


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where a teacher is and how hard it may be worked."""

    model: str
    url: str = "http://localhost:11434/v1"
    key: str | None = field(default=None, repr=False)
    concurrency: int = 4
    retries: int = 5  # after a network fault, and after an answer that does not verify
    timeout_s: float = 120.0  # one call, from the connection to the last byte
    temperature: float | None = 0.7
    max_calls: int | None = None  # of this run
    time_limit_s: float | None = None  # of this run
    num_ctx: int | None = None  # Ollama's window in tokens; None fits it to the prompts
    longest_wait_s: float = 300.0  # a server that asks to be left alone for longer has failed the request
    first_back_off_s: float = 0.5
    seed: int = 0  # of the back-off's jitter

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", checked_url(self.url))
        if not self.model.strip() or self.model == "rules":
            raise TeacherProblem(
                f'"{self.model}" is no name of a model', hint="write TEACHER.model as the server lists it"
            )
        for name, least in (("concurrency", 1), ("retries", 0), ("timeout_s", 1e-3), ("longest_wait_s", 0)):
            if not getattr(self, name) >= least:
                raise TeacherProblem(
                    f"{name} of the teacher is {getattr(self, name)}", hint=f"write at least {least:g}"
                )


def settings_of(section: TeacherSection, environment: Mapping[str, str] = os.environ) -> ServerSettings:
    """The settings of a resolved TEACHER block."""
    return ServerSettings(
        model=section.model or "",
        url=section.url,
        key=_key(section.api_key_env, environment),
        concurrency=section.concurrency,
        retries=section.retries,
        timeout_s=section.timeout,
        temperature=section.temperature,
        max_calls=section.max_calls,
    )


def _key(variable: str | None, environment: Mapping[str, str]) -> str | None:
    if variable is None:
        return None
    key = environment.get(variable, "").strip()
    if not key:
        raise TeacherProblem(
            f"TEACHER.api_key_env names {variable}, which is not set",
            hint=f"export {variable}=... in the shell that runs this, or remove api_key_env",
        )
    if not key.isascii() or not key.isprintable():
        raise TeacherProblem(f"the key in {variable} holds signs that no key has", hint="copy it again")
    return key
