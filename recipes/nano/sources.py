"""What the corpus of the nano base is made of: one function a source, each a stream of examples.

Samplers of the built-in dialects make texts with their descriptions and, from them, repairs; `json`,
`english` and `french` are drawn from words.toml; `pages` are the project's own documents; recipes of the
project run through its own stage `synth`, by the scripts in `scripts/`, so that a richer recipe makes a
richer corpus with nothing changed here.
"""

from __future__ import annotations

import json
import random
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

from names import date, identifier, known, number, stem

from idiolect.data.example import Example, Provenance
from idiolect.data.jsonl import read_examples
from idiolect.dialects.catalog import Catalog
from idiolect.dialects.catalog_json import dump_catalog, parse_catalog
from idiolect.dialects.contract import Context, Dialect, offers
from idiolect.dialects.registry import built_in

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PAGES_KEPT = ("runs", "checking", "ahk2")  # pages that the tokenizer never sees
REPAIRS = 0.25  # share of samples that are followed by the repair of one of their mutants

Source = Callable[[random.Random, int], Iterator[Example]]


@cache
def words() -> dict[str, Any]:
    """The word lists."""
    return tomllib.loads((HERE / "words.toml").read_text("utf-8"))


def dialect_source(name: str) -> Source:
    """Samples of a built-in dialect: describe a thing, get its text; and texts broken and mended."""

    def examples(rng: random.Random, count: int) -> Iterator[Example]:
        dialect = built_in(name)
        for at in range(count):
            test = at % 20 == 19
            given = (
                Context(catalog=random_catalog(rng, test))
                if name == "tcl" and rng.random() < 0.8
                else Context()
            )
            sample = dialect.sample(rng, given)
            context = shown(sample.context)
            about = {"context": context, "level": sample.level, "split": "test" if test else "train"}
            provenance = Provenance(recipe=f"nano/{name}", seed=at)
            yield Example(instruction=sample.description, target=sample.text, provenance=provenance, **about)
            if rng.random() < REPAIRS and offers(dialect, "mutate"):
                yield from _repair(dialect, sample.text, sample.context, rng, provenance, about)

    return examples


def _repair(
    dialect: Dialect, text: str, given: Context, rng: random.Random, provenance: Provenance, about: Any
) -> Iterator[Example]:
    mutant = dialect.mutate(text, rng, given)
    if mutant is None:
        return
    faults = dialect.verify(mutant.text, given).faults
    said = faults[0].message if faults else mutant.note
    context = "\n\n".join(part for part in (about["context"], mutant.text) if part)
    yield Example(
        instruction=f"Fix this so that the fault goes away: {said}",
        target=text,
        task="repair",
        provenance=provenance,
        **(about | {"context": context}),
    )


def shown(context: Context) -> str:
    """A context as a prompt shows it."""
    if context.schema is not None:
        return json.dumps(context.schema, ensure_ascii=False, separators=(",", ":"))
    return dump_catalog(context.catalog) if context.catalog is not None else ""


def random_catalog(rng: random.Random, test: bool) -> Catalog:
    """A catalog whose procs, arguments and values have names drawn at random."""
    table = words()
    fields = [row[0] for row in table["fields"]]
    space = rng.choice(table["spaces"]) if rng.random() < 0.6 else stem(rng, test)
    procs, taken = [], set()
    for _ in range(rng.randrange(3, 12)):
        name = f"{space}::{known(rng, table['verbs'], test)}_{identifier(rng, fields, test).lower()}"
        if name in taken:
            continue
        taken.add(name)
        arguments = {identifier(rng, fields, test).lower(): None for _ in range(rng.randrange(1, 5))}
        args = [{"name": argument, **_type(rng, test)} for argument in arguments]
        procs.append({"name": name, "args": args, "notes": f"{name.rpartition('::')[2].replace('_', ' ')}"})
    content = {"name": stem(rng, test), "version": "1.0", "procs": procs}
    return parse_catalog(json.dumps(content), "random catalog")


def _type(rng: random.Random, test: bool) -> dict[str, Any]:
    kind = rng.choice(("int", "float", "enum", "identifier", "int"))
    if kind == "enum":
        values = {known(rng, words()["values"], test).replace(" ", "_").lower() for _ in range(4)}
        return {"type": "enum", "values": sorted(values)}
    if kind == "int":
        return {"type": "int", "range": [0, rng.choice((10, 64, 100, 1000))]}
    return {"type": kind, "range": [0, rng.randrange(1, 500)]} if kind == "float" else {"type": kind}


def json_texts(rng: random.Random, count: int) -> Iterator[Example]:
    """JSON documents with random names; the task is to write the same values compactly."""
    for at in range(count):
        test = at % 20 == 19
        tree = _tree(rng, test, 0)
        pretty = json.dumps(tree, indent=rng.choice((2, 2, 4)), ensure_ascii=False)
        yield Example(
            instruction="Write this JSON on one line, without spaces.",
            context=pretty,
            target=json.dumps(tree, ensure_ascii=False, separators=(",", ":")),
            split="test" if test else "train",
            provenance=Provenance(recipe="nano/json", seed=at),
        )


def _tree(rng: random.Random, test: bool, depth: int) -> Any:
    table = words()
    fields = [row[0] for row in table["fields"]] + [row[0] for row in table["nouns"]]
    if depth == 0 or (depth < 3 and rng.random() < 0.35):
        if depth and rng.random() < 0.4:
            return [_tree(rng, test, depth + 1) for _ in range(rng.randrange(4))]
        return {
            identifier(rng, fields, test): _tree(rng, test, depth + 1) for _ in range(rng.randrange(1, 6))
        }
    choice = rng.random()
    if choice < 0.35:
        return known(rng, table["values"], test)
    if choice < 0.6:
        return rng.randrange(10 ** rng.choice((1, 2, 3, 5)))
    if choice < 0.7:
        return round(rng.uniform(0, 1000), 2)
    if choice < 0.8:
        return date(rng)
    return rng.choice(
        (True, False, None, stem(rng, test), sentence(rng, rng.choice(("english", "french")), test))
    )


def prose_source(language: str) -> Source:
    """Requests and descriptions of a language; the task is to say one again in order after a shuffle."""

    def examples(rng: random.Random, count: int) -> Iterator[Example]:
        for at in range(count):
            test = at % 20 == 19
            said = [sentence(rng, language, test) for _ in range(rng.randrange(2, 5))]
            said.append(_any_words(rng, language))
            mixed = rng.sample(said, len(said))
            yield Example(
                instruction="Sort these sentences by their first letter.",
                context="\n".join(mixed),
                target="\n".join(sorted(said)),
                split="test" if test else "train",
                provenance=Provenance(recipe=f"nano/{language}", seed=at),
            )

    return examples


def sentence(rng: random.Random, language: str, test: bool) -> str:
    """One request."""
    table = words()
    nouns, fields = table["nouns"], table["fields"]
    noun, field, other = rng.choice(nouns), rng.choice(fields), rng.choice(fields)
    low = rng.randrange(1000)
    french = language == "french"
    written = identifier(rng, [row[0] for row in fields], test)
    slots = {
        "noun": noun[2] if french else noun[0],
        "plural": noun[3] if french else noun[1],
        "bare": noun[2].split("'")[-1].split(" ")[-1],
        "field": written if rng.random() < 0.2 else field[2 if french else 1],
        "other": other[2 if french else 1],
        "value": known(rng, table["values"], test),
        "value2": known(rng, table["values"], test),
        "number": number(rng) if rng.random() < 0.3 else str(low),
        "larger": str(low + rng.randrange(1, 500)),
        "date": date(rng),
    }
    text = rng.choice(table[language]).format_map(slots)
    return text[0].upper() + text[1:]


def _any_words(rng: random.Random, language: str) -> str:
    """Common words in no order."""
    common = words()[f"{language}_common"].split()
    text = " ".join(rng.choices(common, k=rng.randrange(4, 14)))
    return text[0].upper() + text[1:] + rng.choice(".?!")


def page_texts(_: random.Random, count: int) -> Iterator[Example]:
    """Paragraphs of the project's documents; the task is to say one without its first words."""
    pages = sorted(ROOT.glob("docs/**/*.md"))
    paragraphs = (
        (page, part) for page in pages for part in page.read_text("utf-8").split("\n\n") if len(part) > 80
    )
    for at, (page, part) in enumerate(islice(paragraphs, count)):
        yield Example(
            instruction="Leave out the first three words.",
            context=part,
            target=" ".join(part.split(" ")[3:]),
            split="test" if page.stem in PAGES_KEPT else "train",
            provenance=Provenance(recipe="nano/pages", seed=at),
        )


def recipe_source(script: Path) -> Source:
    """Examples of one of the project's recipes, made by the stage `synth` of a script, offline."""

    def examples(rng: random.Random, count: int) -> Iterator[Example]:
        from idiolect.okt.check import check_text
        from idiolect.plan.resolve import resolve
        from idiolect.runs.stage import StageWork
        from idiolect.runs.stages import TABLE

        module, _, function = TABLE["synth"].function.partition(":")
        run = getattr(import_module(module), function)
        seed = rng.randrange(1 << 31)
        plan = resolve(check_text(script.read_text("utf-8"), str(script)), {}, HERE)
        assert plan.synthesize is not None
        plan = plan.model_copy(update={"synthesize": plan.synthesize.model_copy(update={"seed": seed})})
        with tempfile.TemporaryDirectory() as place:
            folder, kept = Path(place) / "out", Path(place) / "kept"
            folder.mkdir()
            run(StageWork(plan=plan, root=HERE, folder=folder, kept=kept, seed=seed))
            found = list(read_examples(folder / "examples.jsonl"))
        rng.shuffle(found)
        for at, example in enumerate(found[:count]):
            yield example if example.split else replace(example, split="test" if at % 20 == 19 else "train")

    return examples


def sources() -> dict[str, Source]:
    """Every source by its name."""
    found: dict[str, Source] = {name: dialect_source(name) for name in ("json_ast", "gates", "tcl", "ahk2")}
    found |= {"json": json_texts, "english": prose_source("english"), "french": prose_source("french")}
    found["pages"] = page_texts
    for script in sorted((HERE / "scripts").glob("*.okt")):
        found[script.stem] = recipe_source(script)
    return found
