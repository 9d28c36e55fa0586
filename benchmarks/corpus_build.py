"""How fast a corpus of scripts is built, and in how much memory.

    python benchmarks/corpus_build.py [--scripts 2000] [--dialect gates] [--jobs 2]
    python benchmarks/corpus_build.py --folder SCRIPTS --dialect ahk2
    python benchmarks/corpus_build.py --ray   # over Ray Data too, and whether the bytes are the same

Without a folder, the dialect's own samples are the scripts. Prints seconds, scripts a second, and peak memory
of the building process and of its largest worker.
"""

from __future__ import annotations

import argparse
import random
import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from idiolect.data.corpus import Job, build_corpus, default_workers
from idiolect.data.corpus_files import write_corpus
from idiolect.data.corpus_result import told_reasons
from idiolect.data.dialect_source import DialectSource
from idiolect.data.judging import Asked
from idiolect.okt.blocks.extension import Corpus


def make_scripts(folder: Path, dialect_name: str, count: int) -> Path:
    """Samples of a dialect as files."""
    dialect, _ = DialectSource(dialect_name)()
    rng = random.Random(1)
    folder.mkdir()
    for number in range(count):
        (folder / f"s{number}{dialect.suffixes[0]}").write_text(dialect.sample(rng).text, encoding="utf-8")
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--scripts", type=int, default=2_000)
    parser.add_argument("--dialect", default="gates")
    parser.add_argument("--tasks", default="reference,describe")
    parser.add_argument("--jobs", type=int, default=default_workers())
    parser.add_argument("--ray", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        folder = options.folder or make_scripts(root / "scripts", options.dialect, options.scripts)
        job = Job(
            settings=Corpus.model_validate({"tasks": options.tasks.split(",")}),
            load=DialectSource(options.dialect),
            root=root,
            sources=(folder.resolve(),),
            workers=options.jobs,
        )
        begin = time.perf_counter()
        result = build_corpus(job)
        built = time.perf_counter()
        write_corpus(result, root / "out", "messages", "benchmark")
        written = time.perf_counter()
        over_ray = compare_over_ray(job, root) if options.ray else ""
    read = result.counts[0].read
    print(told_reasons(result.counts))
    print(f"built in {built - begin:.1f} s ({read / (built - begin):,.0f} sources a second)", end=", ")
    print(f"written in {written - built:.1f} s, {options.jobs} processes")
    for who, name in ((resource.RUSAGE_SELF, "this process"), (resource.RUSAGE_CHILDREN, "largest worker")):
        print(f"peak memory of {name}: {resource.getrusage(who).ru_maxrss / 1024:.0f} MB")
    print(over_ray, end="")


def compare_over_ray(job: Job, root: Path) -> str:
    """The same job over Ray Data, after what is in root / "out": its seconds, and whether the bytes agree."""
    import ray

    from idiolect.data.judging_ray import judge_over_ray

    began = time.perf_counter()
    list(judge_over_ray(job.load, [], Asked(), job.workers))  # starts Ray
    begin = time.perf_counter()
    result = build_corpus(replace(job, judge=judge_over_ray))
    built = time.perf_counter()
    files = write_corpus(result, root / "over-ray", "messages", "benchmark")
    ray.shutdown()
    same = all(path.read_bytes() == (root / "out" / path.name).read_bytes() for path in files)
    seconds = f"{built - begin:.1f} s, after {begin - began:.1f} s to start it, {job.workers} workers"
    return f"over Ray Data: built in {seconds}; the bytes are {'the same' if same else 'DIFFERENT'}\n"


if __name__ == "__main__":
    main()
