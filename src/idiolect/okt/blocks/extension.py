"""Idiolect's own blocks: DIALECT, CORPUS, TEACHER, SYNTHESIZE, EVALUATE and ALIGN."""

from __future__ import annotations

from typing import Literal

from idiolect.okt.control import Conditions
from idiolect.okt.fields import Block, Duration, PathText, Status, field

_EXT = Status.EXTENSION


class DialectBlock(Block):
    """The language that the model shall write."""

    name: str | None = field(
        "A built-in dialect (json_ast, gates, tcl, ahk2) or the path of a dialect folder.",
        required=True,
        status=_EXT,
        example='name: "json_ast"',
    )
    schema_: PathText | None = field(
        "json_ast: one JSON Schema for every example; without it each example carries its own.",
        name="schema",
        status=_EXT,
    )
    grammar: PathText | None = field("Replaces the dialect's grammar.lark.", status=_EXT)
    catalog: PathText | None = field(
        "Symbols that the model may use: procs, arguments, enums, variables, DSL blocks, deprecations.",
        status=_EXT,
    )
    embed: str | None = field(
        "The dialect inside a host language's embedding delimiters (tcl: dsl { ... }).", status=_EXT
    )
    policy: PathText | None = field("Forbidden and deprecated symbols, required headers.", status=_EXT)
    enforce: bool = field("Decode under the dialect's grammar at inference.", suggested=True, status=_EXT)
    command: str | None = field(
        "An outside validator, run without a shell, with {file} for the text; exit code 0 means valid.",
        status=_EXT,
        example='command: "validator --check {file}"',
    )


class Corpus(Block):
    """Turns raw sources into examples."""

    sources: list[PathText] | None = field(
        "Globs of scripts, folders, .jsonl, .csv and .parquet files.",
        required=True,
        status=_EXT,
        example='sources: ["scripts/**/*.tcl"]',
    )
    reference: list[PathText] | None = field(
        "Documentation tables (csv) merged in as reference examples: name, type, description, parameters.",
        status=_EXT,
    )
    metadata: PathText | None = field(
        "csv or jsonl with title, category, description by file name.", status=_EXT
    )
    encoding: str = field(
        "Text encoding; auto recognises UTF-8 with or without BOM, UTF-16 and cp1252.",
        suggested="auto",
        status=_EXT,
    )
    normalize: bool = field(
        "Line ends, trailing space, BOM, tabs by the dialect's formatter.", suggested=True, status=_EXT
    )
    dedup: bool = field("Drop exact repeats of the normalized text.", suggested=True, status=_EXT)
    near_dedup: float = field(
        "Jaccard threshold of near repeats; 0 turns it off.",
        suggested=0.85,
        at_least=0,
        at_most=1,
        status=_EXT,
    )
    scrub_secrets: bool = field(
        "Mask keys, tokens, passwords, private addresses and e-mail; each hit is reported.",
        suggested=True,
        status=_EXT,
    )
    licenses: list[str] | None = field(
        "SPDX ids allowed; a file header that names another goes to quarantine.", status=_EXT
    )
    invalid: Literal["quarantine", "drop", "keep"] = field(
        "What happens to a source that its dialect refuses.", suggested="quarantine", status=_EXT
    )
    includes: Literal["ignore", "warn", "require"] = field(
        "Unresolved #Include, source and package require.", suggested="warn", status=_EXT
    )
    max_tokens: int = field("Longest target.", suggested=2048, above=0, status=_EXT)
    long: Literal["chunk", "drop", "keep"] = field(
        "What happens to longer ones; they are chunked at definitions, not mid-line.",
        suggested="chunk",
        status=_EXT,
    )
    tasks: list[Literal["reference", "describe", "complete", "repair", "explain"]] = field(
        "Instructions that each source is turned into.", suggested=["reference", "describe"], status=_EXT
    )
    split: list[float] = field(
        "Shares of train, validation and test.",
        suggested=[80, 10, 10],
        at_least=0,
        length=(3, 3),
        status=_EXT,
    )
    split_by: Literal["cluster", "group", "random"] = field(
        "Near-duplicates (cluster) or a metadata group never straddle a split.",
        suggested="cluster",
        status=_EXT,
    )
    format: Literal["messages", "prompt_completion", "instruction"] = field(
        "How examples are written.", suggested="messages", status=_EXT
    )
    seed: int = field("Seed of the split.", suggested=3407, at_least=0, status=_EXT)


class Teacher(Block):
    """Who answers prompts."""

    model: str | None = field(
        "Teacher model; LLM_MODEL in the environment and .llmrc at the project root come first.",
        default_text="gpt-oss:120b",
        status=_EXT,
    )
    url: str = field("An OpenAI-compatible server.", suggested="http://localhost:11434/v1", status=_EXT)
    api_key_env: str | None = field(
        "Name of the environment variable that holds the key; a key in the file is refused.", status=_EXT
    )
    offline: bool = field(
        "Answer by the dialect's own rules, deterministically, with no server.", suggested=False, status=_EXT
    )
    concurrency: int = field("Requests at a time.", suggested=4, at_least=1, at_most=256, status=_EXT)
    retries: int = field(
        "Attempts again after a network fault or an answer that does not verify.",
        suggested=5,
        at_least=0,
        status=_EXT,
    )
    timeout: Duration = field(
        "Longest wait for one answer.", suggested=120.0, default_text="120s", above=0, status=_EXT
    )
    temperature: float = field("Sampling temperature.", suggested=0.7, at_least=0, at_most=2, status=_EXT)
    max_calls: int | None = field(
        "Budget of calls: stops cleanly, keeps what it has, says what is missing.", above=0, status=_EXT
    )


Difficulty = Literal["micro", "multi", "scenario"]


class Synthesize(Block):
    """Makes examples that no one wrote."""

    recipe: Literal["schema_ast", "catalog_tasks", "grammar_tasks", "describe", "simulate"] | None = field(
        "How examples are made.", required=True, status=_EXT, example='recipe: "schema_ast"'
    )
    domains: PathText | None = field("schema_ast: JSONL of {domain, description}.", status=_EXT)
    template: PathText | None = field(
        "schema_ast: base JSON Schema into which fields, enums and operators are put.", status=_EXT
    )
    operators: PathText | None = field(
        "schema_ast: catalogue of {const, synonyms, description}.", status=_EXT
    )
    examples_per_schema: int = field(
        "Example queries in each domain spec.", suggested=60, at_least=1, status=_EXT
    )
    queries_per_schema: int = field("Further queries a schema.", suggested=60, at_least=0, status=_EXT)
    min_operators: int = field("Fewest operators a schema.", suggested=4, at_least=1, status=_EXT)
    max_operators: int = field("Most operators a schema.", suggested=7, at_least=1, status=_EXT)
    positives_per_schema: int = field("Verified examples a schema.", suggested=250, at_least=1, status=_EXT)
    negative_ratio: float = field(
        "Invalid examples a valid one, by the dialect's mutations.", suggested=0.6, at_least=0, status=_EXT
    )
    include_invalid: bool = field(
        "Whether negatives enter the training corpus (as repair and refusal tasks).",
        suggested=True,
        status=_EXT,
    )
    refusals: float = field(
        "Share of requests that schema or catalog cannot satisfy; the target is a reasoned refusal.",
        suggested=0.1,
        at_least=0,
        at_most=1,
        status=_EXT,
    )
    languages: list[str] = field("Languages of the requests.", suggested=["en", "fr"], status=_EXT)
    count: int | None = field(
        "catalog_tasks, grammar_tasks, simulate: how many. schema_ast: how many schemas, domains in turn.",
        above=0,
        status=_EXT,
    )
    levels: list[Difficulty] = field(
        "Difficulty, which the curriculum follows.", suggested=["micro", "multi", "scenario"], status=_EXT
    )
    max_samples: int | None = field("Most examples kept.", above=0, status=_EXT)
    target_errors: PathText | None = field(
        "An error taxonomy, JSON {classes: {code: count}}: fault classes to make more examples of.",
        status=_EXT,
    )
    seed: int = field("Seed of everything random here.", suggested=11, at_least=0, status=_EXT)


class Evaluate(Block):
    """Says whether it works."""

    suites: list[str] = field(
        "test, syntax, unit, scenario, or paths of JSONL suites.", suggested=["test"], status=_EXT
    )
    k: int = field("Samples a task, for pass@k.", suggested=1, at_least=1, status=_EXT)
    temperatures: list[float] = field(
        "Sampling temperatures tried.", suggested=[0.0], at_least=0, at_most=2, status=_EXT
    )
    max_samples: int = field("Most tasks of a suite.", suggested=256, above=0, status=_EXT)
    max_new_tokens: int = field("Longest answer in tokens.", suggested=512, above=0, status=_EXT)
    judge: Literal["none", "teacher", "rules"] = field("Who judges meaning.", suggested="rules", status=_EXT)
    compare: list[PathText] | None = field(
        "Other students or runs measured beside this one, on the same tasks, paired.", status=_EXT
    )
    gate: Conditions | None = field(
        "Conditions on the metrics; where one fails, run ends with exit code 3 and exports nothing.",
        status=_EXT,
        form="gate { semantic_pass_rate >= 0.95 }",
    )


class Align(Block):
    """Preference tuning after SFT, from verdicts."""

    method: Literal["dpo"] = field("Objective.", suggested="dpo", status=_EXT)
    pairs_from: Literal["teacher", "verifier", "both"] = field(
        "Whose verdicts the pairs come from.", suggested="both", status=_EXT
    )
    pairs: PathText | None = field("A ready pairs JSONL instead.", status=_EXT)
    adapter: PathText | None = field(
        "Adapter to start from.", default_text="the run's SFT adapter", status=_EXT
    )
    only_rejected: bool = field("Keep only examples whose answer was rejected.", suggested=True, status=_EXT)
    max_pairs: int | None = field("Most pairs used.", above=0, status=_EXT)
    beta: float = field("Strength of the preference.", suggested=0.1, above=0, status=_EXT)
    nll_weight: float = field(
        "Weight of the chosen answer's own cross entropy beside the preference.",
        suggested=0.0,
        at_least=0,
        status=_EXT,
    )
    max_chosen_drop: float = field(
        "Stop when the chosen answers' log-probability falls so far below the start, in nats a token.",
        suggested=0.5,
        above=0,
        status=_EXT,
    )
    learning_rate: float = field("Peak step size.", suggested=5e-6, above=0, at_most=1, status=_EXT)
    batch_size: int = field("Pairs a step and device.", suggested=2, at_least=1, at_most=1024, status=_EXT)
    gradient_accumulation: int = field("Steps summed before an update.", suggested=8, at_least=1, status=_EXT)
    warmup_steps: int = field(
        "Steps over which the learning rate rises.", suggested=50, at_least=0, status=_EXT
    )
    max_steps: int = field("Updates in all.", suggested=500, above=0, status=_EXT)
    logging_steps: int = field("Log every so many steps.", suggested=10, above=0, status=_EXT)
