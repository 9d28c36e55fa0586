"""What a dialect folder holds once it is read and checked, and what is made of it only once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from idiolect.dialects.catalog import Catalog
from idiolect.dialects.contract import Dialect
from idiolect.dialects.policy import Policy
from idiolect.dialects.simulate import Simulator
from idiolect.dialects.user.parser import UserParser
from idiolect.dialects.user.settings import Settings
from idiolect.source import SourceText


@dataclass(frozen=True, slots=True)
class Parts:
    """What a folder holds, read and checked."""

    settings: Settings
    folder: Path
    grammar: SourceText
    parser: UserParser
    catalog: Catalog | None = None
    policy: Policy | None = None
    embedded: Dialect | None = None
    simulator: Simulator | None = None
    not_run: tuple[str, ...] = ()  # why the command or the simulator of the folder may not run
    manual: str = ""


Made = TypeVar("Made")


class Kept(Generic[Made]):
    """What is made once for each catalog and policy; the last few are kept, by identity."""

    MOST = 8

    def __init__(self, make: Callable[[Catalog | None, Policy | None], Made]) -> None:
        self._make = make
        self._made: list[tuple[Catalog | None, Policy | None, Made]] = []

    def get(self, catalog: Catalog | None, policy: Policy | None = None) -> Made:
        """The thing made for this very catalog and policy."""
        for known, known_policy, made in self._made:
            if known is catalog and known_policy is policy:
                return made
        made = self._make(catalog, policy)
        self._made = [*self._made[1 - self.MOST :], (catalog, policy, made)]
        return made
