"""A machine made of plain values, in place of the operating system."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from idiolect.machine.system import Ran

GIB = 1 << 30


@dataclass
class FakeSystem:
    kind: tuple[str, str, str] = ("Linux", "Linux 6.1", "x86_64")
    core_count: int = 8
    ram: tuple[int, int] = (16 * GIB, 10 * GIB)
    space: tuple[int, int] | None = (500 * GIB, 200 * GIB)
    files: Mapping[str, str] = field(default_factory=dict)
    commands: Mapping[str, Ran] = field(default_factory=dict)  # by a word of the command line; first match
    packages: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    reachable: Mapping[tuple[str, int], str | None] = field(default_factory=dict)
    asked: list[Sequence[str]] = field(default_factory=list)

    def names(self) -> tuple[str, str, str]:
        return self.kind

    def cores(self) -> int:
        return self.core_count

    def memory(self) -> tuple[int, int]:
        return self.ram

    def disk(self, folder: Path) -> tuple[int, int] | None:
        return self.space

    def read(self, path: str) -> str | None:
        return self.files.get(path)

    def run(self, argv: Sequence[str], timeout_s: float) -> Ran | None:
        self.asked.append(argv)
        line = " ".join(argv)
        return next((ran for word, ran in self.commands.items() if word in line), None)

    def installed(self, package: str) -> str | None:
        return self.packages.get(package)

    def connect(self, host: str, port: int, timeout_s: float) -> str | None:
        return self.reachable.get((host, port), "unknown host")
