"""Training on a token trie beside TRL's SFTTrainer and DPOTrainer: rows a second and peak memory, as ratios.

    python benchmarks/train_vs_trl.py --quick            # the cells that matter most
    python benchmarks/train_vs_trl.py                    # the whole sweep: an hour and more on two cores
    python benchmarks/train_vs_trl.py --curves           # held-out loss after N rows, three seeds

Both sides train LoRA (rank 16, all linear layers) on the same Gemma-3-shaped model of 6 layers, width 640,
with the same rows in the same number type, each in a process of its own, in turns. Rows a second are counted
by the clock and by the processor time that a process got: only the second can be compared where other
programs share the machine, so the ratios are of that, on one thread, where waiting threads burn none.

A row costs TRL the same however many rows have its prompt, so it runs once for each length and vocabulary,
with the fastest of the settings that were tried first (`TRL_SETTINGS`, all printed). A third side, `rows`,
has our loss over separate rows: it shows what comes of the trie and what of the loss.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ANSWER = 60  # tokens of an answer, about that of a JSON AST
RESULTS = Path(__file__).parent / "results" / "train_vs_trl.md"
# What TRL was tried with; the fastest is taken for each cell: rows at a time, and packed or padded.
TRL_SETTINGS = ({"rows": 1}, {"rows": 4}, {"rows": 4, "packing": True})


@dataclass(frozen=True)
class Cell:
    """One point of the sweep."""

    prompt: int = 2048
    rows_a_prompt: int = 16
    vocabulary: int = 262_144
    precision: str = "bf16"
    dpo: bool = False
    threads: int = 1
    steps: int = 1  # timed, after one that is not
    rows: int = 16  # a step
    layers: int = 6
    width: int = 640
    seed: int = 0

    def __str__(self) -> str:
        kind = "DPO" if self.dpo else "SFT"
        return (
            f"{kind}, {self.prompt:,} prompt, {self.rows_a_prompt} rows a prompt, {self.vocabulary:,} entries"
        )


def model_of(cell: Cell) -> Any:
    """A random Gemma-3-shaped model: 5 layers with a window of 512 and one without, as in the 270M."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig

    config = Gemma3TextConfig(
        vocab_size=cell.vocabulary,
        hidden_size=cell.width,
        intermediate_size=cell.width * 16 // 5,
        num_hidden_layers=cell.layers,
        num_attention_heads=4,
        num_key_value_heads=1,
        head_dim=256 if cell.width == 640 else 32,
        sliding_window=512,
        layer_types=["sliding_attention"] * (cell.layers - 1) + ["full_attention"],
        max_position_embeddings=32_768,
        pad_token_id=0,
        bos_token_id=2,
        eos_token_id=1,
        initializer_range=0.02 if cell.width == 640 else 0.1,  # so that a narrow frozen head can be sure
    )
    torch.manual_seed(cell.seed)
    model = Gemma3ForCausalLM(config).to(torch.bfloat16 if cell.precision == "bf16" else torch.float32)
    lora = LoraConfig(
        r=16, lora_alpha=32, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    return get_peft_model(model, lora)


def rows_of(cell: Cell, count: int) -> list[Any]:
    """Rows (or pairs) in groups under one prompt; the last tokens of a prompt are the row's own question."""
    from idiolect.student.row import Pair, Row

    rng = random.Random(cell.seed)

    def some(size: int) -> tuple[int, ...]:
        return tuple(rng.randrange(3, cell.vocabulary) for _ in range(size))

    made: list[Any] = []
    question = 16
    while len(made) < count:
        shared = some(cell.prompt - question)
        for _ in range(min(cell.rows_a_prompt, count - len(made))):
            prompt, name = shared + some(question), f"r{len(made)}"
            if cell.dpo:
                made.append(Pair(name, prompt, some(ANSWER), some(ANSWER)))
            else:
                made.append(Row(name, prompt, some(ANSWER)))
    return made


def run_trie(cell: Cell, setting: dict[str, Any]) -> dict[str, Any]:
    """Our side: one trie a step, as large as the step."""
    import torch

    from idiolect.train.trie import trie_of
    from idiolect.train.trie_scores import score_trie

    model = model_of(cell)
    optimizer = torch.optim.AdamW(
        [p for p in model.parameters() if p.requires_grad], lr=2e-4, weight_decay=0.0
    )
    rows = rows_of(cell, cell.rows * (cell.steps + 1))
    at_once = setting.get("rows", cell.rows)
    losses, times = [], [_now()]
    model.train()
    if setting.get("checkpointing"):
        model.get_base_model().activation_checkpointing_enable()
        model.enable_input_require_grads()
    for step in range(cell.steps + 1):
        batch = rows[step * cell.rows : (step + 1) * cell.rows]
        total = 0.0
        weight = sum(2 * ANSWER if cell.dpo else ANSWER for _ in batch)
        for start in range(0, len(batch), at_once):
            trie = trie_of(batch[start : start + at_once])
            if cell.dpo:
                loss = _dpo(model, trie, len(batch))
            else:
                loss = score_trie(model, trie, way=setting.get("way")).nll() / weight
            loss.backward()
            total += loss.item()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        times.append(_now())
        losses.append(total)
    return _told(cell, times[1:], losses[0])


def _dpo(model: Any, trie: Any, pairs: int) -> Any:
    import torch

    from idiolect.train.trie_scores import score_trie

    with torch.no_grad(), model.disable_adapter():
        reference = score_trie(model, trie).sequence_logp()
    gain = score_trie(model, trie).sequence_logp() - reference
    return -torch.nn.functional.logsigmoid(0.1 * (gain[0::2] - gain[1::2])).sum() / pairs


def run_trl(cell: Cell, setting: dict[str, Any]) -> dict[str, Any]:
    """TRL's trainer on the same rows."""
    import torch
    from transformers import TrainerCallback

    times: list[tuple[float, float]] = []

    class Clock(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            times.append(_now())

    rows = rows_of(cell, cell.rows * (cell.steps + 1))
    trainer = trl_trainer(cell, rows, setting, [Clock()])
    trainer.train()
    losses = [one["loss"] for one in trainer.state.log_history if "loss" in one]
    assert torch.get_num_threads() == cell.threads
    return _told(cell, times, losses[0])


def trl_trainer(
    cell: Cell,
    rows: list[Any],
    setting: dict[str, Any],
    callbacks: list[Any],
    *,
    shuffle: bool = False,
    rate: float = 2e-4,
) -> Any:
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

    at_once = min(setting.get("rows", 1), cell.rows)
    common = {
        "output_dir": tempfile.mkdtemp(),
        "per_device_train_batch_size": at_once,
        "gradient_accumulation_steps": cell.rows // at_once,
        "max_steps": len(rows) // cell.rows,
        "learning_rate": rate,
        "lr_scheduler_type": "constant",
        "weight_decay": 0.0,
        "max_grad_norm": 1.0,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "bf16": False,
        "use_cpu": True,
        "gradient_checkpointing": False,
        "max_length": None,
        "disable_tqdm": True,
        "dataloader_pin_memory": False,
        "train_sampling_strategy": "random" if shuffle else "sequential",
        "seed": cell.seed,
    }
    tokenizer = _tokenizer()
    if cell.dpo:
        data = [{"prompt_ids": r.prompt, "chosen_ids": r.chosen, "rejected_ids": r.rejected} for r in rows]
        columns = {key: [list(one[key]) for one in data] for key in data[0]}

        class Tokenized(DPOTrainer):
            def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
                return dataset  # the rows are token ids already

        return Tokenized(
            model_of(cell),
            args=DPOConfig(**common, beta=0.1),
            train_dataset=Dataset.from_dict(columns),
            processing_class=tokenizer,
            callbacks=callbacks,
        )
    else:
        columns = {
            "input_ids": [list(r.prompt + r.answer) for r in rows],
            "labels": [[-100] * len(r.prompt) + list(r.answer) for r in rows],
        }
        more: dict[str, Any] = {"dataset_kwargs": {"skip_prepare_dataset": True}}
        if setting.get("packing"):
            more = {"packing": True}
            common["per_device_train_batch_size"] = 1
            common["gradient_accumulation_steps"] = cell.rows // at_once
            common["max_length"] = at_once * (cell.prompt + ANSWER)
        return SFTTrainer(
            model_of(cell),
            args=SFTConfig(**(common | more)),
            train_dataset=Dataset.from_dict(columns),
            processing_class=tokenizer,
            callbacks=callbacks,
        )


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _told(cell: Cell, times: list[tuple[float, float]], loss: float) -> dict[str, Any]:
    clock, processor = (b - a for a, b in zip(times[0], times[-1], strict=True))
    rows = cell.rows * cell.steps
    return {"rows_s": rows / clock, "rows_cpu_s": rows / processor, "loss": loss}


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.WordLevel({"<pad>": 0, "<eos>": 1, "<bos>": 2, "<unk>": 3}, unk_token="<unk>"))
    return PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="<pad>", eos_token="<eos>")


def one_side(side: str, cell: Cell, setting: dict[str, Any]) -> None:
    """The body of a process: runs, and prints a line of JSON."""
    import torch

    torch.set_num_threads(cell.threads)
    if setting.get("curve"):
        told = curve_trl(cell) if side == "trl" else curve_trie(cell)
    else:
        told = run_trl(cell, setting) if side == "trl" else run_trie(cell, setting)
    told["peak_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print("RESULT " + json.dumps(told), flush=True)


def measure(side: str, cell: Cell, setting: dict[str, Any]) -> dict[str, Any]:
    """A side in a process of its own."""
    command = [sys.executable, __file__, "--side", side, "--cell", json.dumps(asdict(cell))]
    command += ["--setting", json.dumps(setting)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        if line.startswith("RESULT "):
            told: dict[str, Any] = json.loads(line.removeprefix("RESULT "))
            return told
    raise SystemExit(f"{side} failed on {cell}:\n{done.stdout[-1500:]}\n{done.stderr[-3000:]}")


CURVE_ROWS, CURVE_EVERY, CURVE_STEP = 1024, 128, 16


def curves(say: Any) -> None:
    """Held-out loss after N rows, the same rows on both sides, each dealt as its trainer deals them."""
    say(f"| rows seen | {' | '.join(f'ours {n} | TRL {n}' for n in range(3))} |")
    say("|---|" + "---|" * 6)
    told = {}
    for seed in range(3):
        cell = replace(Cell(), prompt=96, vocabulary=1024, layers=3, width=256, precision="fp32")
        cell = replace(cell, rows=CURVE_STEP, seed=seed)
        told[seed] = [measure(side, cell, {"curve": True})["curve"] for side in ("trie", "trl")]
    for at in range(len(told[0][0])):
        losses = " | ".join(f"{ours[at]:.4f} | {trl[at]:.4f}" for ours, trl in told.values())
        say(f"| {(at + 1) * CURVE_EVERY} | {losses} |")


def task(cell: Cell, count: int, seed: int) -> list[Any]:
    """A task that can be learnt: the answer follows from the question and the schema's number."""
    from idiolect.student.row import Row

    rng = random.Random(seed)
    schemas = [tuple(random.Random(n).randrange(3, 500) for _ in range(cell.prompt - 8)) for n in range(8)]
    made = []
    for number in range(count):
        schema = rng.randrange(8)
        question = tuple(rng.randrange(3, 60) for _ in range(8))
        answer = tuple(600 + (3 * token + 11 * schema) % 64 for token in question)
        made.append(Row(f"t{number}", schemas[schema] + question, (*answer, 1)))
    return made


def held_out(model: Any, cell: Cell) -> float:
    """The loss a token on rows that neither side trains on."""
    import torch

    from idiolect.train.trie import trie_of
    from idiolect.train.trie_scores import score_trie

    rows = task(cell, 128, 10_000)
    with torch.no_grad():
        return score_trie(model, trie_of(rows)).nll().item() / sum(len(row.answer) for row in rows)


def curve_trie(cell: Cell) -> dict[str, Any]:
    import torch

    from idiolect.train.packing import Packer
    from idiolect.train.trie import trie_of
    from idiolect.train.trie_scores import score_trie

    model, rows = model_of(cell), task(cell, CURVE_ROWS, cell.seed)
    packer = Packer(rows, budget=4096, rows_per_step=CURVE_STEP, seed=cell.seed)
    optimizer = torch.optim.AdamW(
        [p for p in model.parameters() if p.requires_grad], lr=4e-3, weight_decay=0.0
    )
    curve = []
    for step in packer.epoch(0):
        for batch in step.batches:
            (score_trie(model, trie_of(rows[at] for at in batch)).nll() / step.weight).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if (step.number + 1) * CURVE_STEP % CURVE_EVERY == 0:
            curve.append(held_out(model, cell))
    return {"curve": curve}


def curve_trl(cell: Cell) -> dict[str, Any]:
    from transformers import TrainerCallback

    curve = []

    class Look(TrainerCallback):
        def on_step_end(self, *_: Any, model: Any, **__: Any) -> None:
            if (len(steps) + 1) * CURVE_STEP % CURVE_EVERY == 0:
                curve.append(held_out(model, cell))
            steps.append(1)

    steps: list[int] = []
    trainer = trl_trainer(
        cell, task(cell, CURVE_ROWS, cell.seed), {"rows": CURVE_STEP}, [Look()], shuffle=True, rate=4e-3
    )
    trainer.train()
    return {"curve": curve}


def sized(cell: Cell) -> Cell:
    """A cell with no more rows a step than are needed to see what it costs."""
    alone = 1 if cell.prompt * cell.vocabulary > 2048 * 32_768 else 2
    return replace(cell, rows={1: alone, 4: 4}.get(cell.rows_a_prompt, 16))


def best_setting(say: Any) -> dict[str, Any]:
    """The fastest of TRL's settings, by processor time, on a cell in the middle."""
    cell = Cell(prompt=512, vocabulary=32_768, rows=4)
    ours = measure("trie", cell, {})
    say(f"Four rows of 512 tokens, the first step: our loss is {ours['loss']:.4f}; TRL's settings:")
    told = []
    for setting in TRL_SETTINGS:
        one = measure("trl", cell, setting)
        say(
            f"- {json.dumps(setting)}: {one['rows_cpu_s']:.3f} rows a CPU second, {one['peak_gb']:.1f} GB, "
            f"loss {one['loss']:.4f}"
        )
        told.append((one["rows_cpu_s"], setting))
    return max(told, key=lambda one: one[0])[1]


def sweep(cells: list[Cell], setting: dict[str, Any], say: Any) -> None:
    """Both sides in turns over cells, a line of a table each."""
    say("Peak memory is in GB; *lean* is ours with gradient checkpointing.")
    say("")
    say(
        "| what | ours, rows/CPU s | TRL | times | `rows` | peak, ours | TRL | share "
        "| lean, rows/CPU s | times | peak | share |"
    )
    say("|---|" + "---|" * 11)
    known: dict[tuple[int, int, bool], dict[str, Any]] = {}
    for cell in cells:
        key = (cell.prompt, cell.vocabulary, cell.dpo)
        ours = measure("trie", sized(cell), {})
        if key not in known:
            alone = sized(replace(cell, rows_a_prompt=1))
            known[key] = measure("trl", alone, setting if not cell.dpo else {"rows": 1})
            same = {"rows": 1} if cell.dpo else {"way": "rows", "rows": 1}
            known[key]["rows"] = measure("trie", alone, same)["rows_cpu_s"]
        trl = known[key]
        lean = measure("trie", sized(cell), {"checkpointing": True})
        cpu = lean["rows_cpu_s"]
        figures = (
            f"{ours['rows_cpu_s']:.3f}",
            f"{trl['rows_cpu_s']:.4f}",
            f"**{ours['rows_cpu_s'] / trl['rows_cpu_s']:.1f}**",
            f"{trl['rows']:.4f}",
            f"{ours['peak_gb']:.2f}",
            f"{trl['peak_gb']:.2f}",
            f"{ours['peak_gb'] / trl['peak_gb']:.2f}",
            f"{cpu:.3f}",
            f"{cpu / trl['rows_cpu_s']:.1f}",
            f"{lean['peak_gb']:.2f}",
            f"{lean['peak_gb'] / trl['peak_gb']:.2f}",
        )
        say(f"| {cell} | {' | '.join(figures)} |")


def cells_of(quick: bool) -> list[Cell]:
    if quick:
        small = Cell(vocabulary=32_768)
        return [
            small,
            replace(small, rows_a_prompt=1),
            Cell(),
            replace(small, dpo=True),
            replace(small, prompt=8192),
        ]
    sizes = (32_768, 262_144)
    made = [Cell(2048, rows, size) for size in sizes for rows in (16, 4, 1)]
    made += [Cell(dpo=True, vocabulary=size) for size in sizes]
    return made + [
        Cell(prompt, rows, size) for prompt in (512, 8192) for size in sizes for rows in (16, 4, 1)
    ]


def about_the_machine() -> str:
    import torch
    import transformers
    import trl

    name = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else ():
        if line.startswith("model name"):
            name = line.partition(":")[2].strip()
            break
    day = datetime.now(UTC).date().isoformat()
    return (
        f"{day}, {name}, one thread, torch {torch.__version__}, transformers {transformers.__version__}, "
        f"TRL {trl.__version__}; answers of {ANSWER} tokens, LoRA rank 16, bf16"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the five cells that matter most")
    parser.add_argument("--curves", action="store_true", help="held-out loss after N rows, three seeds")
    parser.add_argument("--write", action="store_true", help="write the table to benchmarks/results")
    parser.add_argument("--side")
    parser.add_argument("--cell")
    parser.add_argument("--setting", help="TRL's setting as JSON; left out, the fastest is found first")
    options = parser.parse_args()
    if options.side:
        one_side(options.side, Cell(**json.loads(options.cell)), json.loads(options.setting or "{}"))
        return
    lines = [about_the_machine(), ""]

    name = RESULTS.with_stem(RESULTS.stem + "_curves") if options.curves else RESULTS

    def say(line: str) -> None:
        print(line, flush=True)
        lines.append(line)
        if options.write:
            RESULTS.parent.mkdir(exist_ok=True)
            name.write_text("\n".join(lines) + "\n")

    print(lines[0])
    if options.curves:
        curves(say)
    else:
        setting = json.loads(options.setting) if options.setting else best_setting(say)
        say(f"TRL runs with {json.dumps(setting)}.")
        say("")
        sweep(cells_of(options.quick), setting, say)


if __name__ == "__main__":
    main()
