"""Makes random values of catalog types, spelled as Tcl words.

Names come from small pools by what an argument is called, so that samples read like scripts. A type
whose pattern no try matches has no value here: the caller leaves it out.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from idiolect.dialects.catalog import Arg, Catalog, ValueType
from idiolect.dialects.catalog_json import split_unit
from idiolect.dialects.tcl.typed import misfit

POOLS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "net": (
            "CLK",
            "RST",
            "SCAN_EN",
            "DATA0",
            "DATA1",
            "ADDR3",
            "BUS_EN",
            "TX_P",
            "TX_N",
            "IRQ",
            "n12",
            "vref",
        ),
        "cell": ("U1", "U12", "U204", "REG_A", "MUX3", "PLL0", "ADC_TOP", "BUF7"),
        "file": ("out/report.txt", "out/timing.rpt", "build/area.rpt", "logs/run1.log", "result.rpt"),
        "text": ("routing done", "net is ready", "check by hand", "step finished", "needs review"),
        "id": ("SR1", "SR2", "SR7", "GAP_A", "CLK_RULE", "R10"),
    }
)
WORDS = ("alpha", "beta", "core", "main", "left", "right", "probe", "stage1", "stage2", "top")
WIDEST = 1000.0  # of an open range
TRIES = 20


class NoValue(Exception):
    """No value could be made for a type."""


def pick(
    rng: random.Random,
    catalog: Catalog,
    arg: Arg | ValueType,
    name: str,
    pools: Mapping[str, Sequence[str]] = POOLS,
) -> str:
    """A random value as a Tcl word; `name` is the argument's, and `pools` holds names by type."""
    if isinstance(arg, Arg) and arg.list:
        words = arg.words or catalog.resolve(arg).words
        count = rng.randint(1, min(3, len(words) or 3))
        if words:
            items = sorted(rng.sample(words, count), key=words.index)
        else:
            items = [_value(rng, catalog, arg, name, pools) for _ in range(count)]
        return "{" + " ".join(items) + "}"
    return as_word(_value(rng, catalog, arg, name, pools))


def as_word(value: str) -> str:
    """A value as one Tcl word: bare where it can stand so, else in quotes or braces."""
    if re.fullmatch(r"[A-Za-z0-9_./:%+@=,-]+", value):
        return value
    return f'"{value}"' if not re.search(r'["\\$\[\]{}]', value) else "{" + value + "}"


def _value(
    rng: random.Random, catalog: Catalog, arg: ValueType, name: str, pools: Mapping[str, Sequence[str]]
) -> str:
    wanted = catalog.resolve(arg)
    for _ in range(TRIES):
        value = _raw(rng, wanted, arg.type, name, pools)
        if misfit(catalog, arg, value) is None:
            return value
    raise NoValue(f"no value of type {arg.type} was found for {name}")


def _raw(
    rng: random.Random,
    wanted: ValueType,
    type_name: str,
    name: str,
    pools: Mapping[str, Sequence[str]],
) -> str:
    if wanted.values:
        return rng.choice(wanted.words)
    base, _ = split_unit(wanted.type)
    unit = wanted.unit if wanted.unit and wanted.unit_written else ""
    if base in ("int", "port"):
        low, high = wanted.range or ((1, 65535) if base == "port" else (0, 99))
        low = 0 if low is None else low
        return f"{rng.randint(int(low), int(low + WIDEST if high is None else high))}{unit}"
    if base == "float":
        return f"{_float(rng, wanted.range)}{unit}"
    if base == "bool":
        return rng.choice(("true", "false"))
    if base == "ip":
        return ".".join(str(rng.randint(1, 254)) for _ in range(4))
    if base == "cidr":
        return f"10.{rng.randint(0, 255)}.{rng.randint(0, 255)}.0/24"
    if base == "text":
        return rng.choice(pools.get("text") or POOLS["text"])
    usual = "file" if base == "path" else "net"
    pool = pools.get(type_name) or pools.get(name) or pools.get(usual) or POOLS[usual]
    return rng.choice(pool if rng.random() < 0.8 else WORDS)


def _float(rng: random.Random, limits: tuple[float | None, float | None] | None) -> str:
    low, high = limits or (0.0, 10.0)
    low = 0.0 if low is None else low
    high = low + WIDEST if high is None else high
    # Mostly small, round numbers, as people write them.
    top = min(high, max(low * 20, 2.0)) if rng.random() < 0.8 else high
    drawn = f"{min(max(rng.uniform(low, top), low), high):.{rng.choice((1, 2, 2, 3))}f}"
    return drawn.rstrip("0").rstrip(".") if float(drawn) else "0"  # never -0
