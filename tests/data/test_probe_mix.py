import json
from pathlib import Path

from idiolect.data.probe import DatasetProbe, Limits, probe_dataset
from idiolect.data.probe_mix import check_together, probe_mix


def data(path: Path, rows: int) -> Path:
    path.write_text((json.dumps({"input": "a", "output": "b"}) + "\n") * rows)
    return path


def test_a_mix_counts_all_its_parts(tmp_path: Path) -> None:
    paths = [data(tmp_path / "a.jsonl", 4), data(tmp_path / "b.jsonl", 7)]
    mix = probe_mix(paths)
    assert (mix.rows, mix.problems, [part.rows for part in mix.parts]) == (11, (), [4, 7])
    assert all(part.problems == () for part in mix.parts)


def test_a_small_mix_is_warned_about_as_a_whole(tmp_path: Path) -> None:
    mix = probe_mix([data(tmp_path / "a.jsonl", 4), data(tmp_path / "b.jsonl", 5)])
    assert [found.code for found in mix.problems] == ["L402"]


def test_a_missing_part_is_a_problem_of_that_part(tmp_path: Path) -> None:
    mix = probe_mix([data(tmp_path / "a.jsonl", 10), tmp_path / "no.jsonl"])
    assert [[found.code for found in part.problems] for part in mix.parts] == [[], ["V001"]]


def test_one_file_for_training_and_validation_is_seen_through_links(tmp_path: Path) -> None:
    train = data(tmp_path / "a.jsonl", 10)
    (tmp_path / "b.jsonl").symlink_to(train)
    probes = [probe_dataset(train), probe_dataset(tmp_path / "b.jsonl", role="validation")]
    (found,) = check_together(probes)
    assert (found.code, "train and for validation" in found.message) == ("L407", True)
    other = probe_dataset(data(tmp_path / "c.jsonl", 10), role="test")
    assert check_together([probes[0], other]) == ()


def test_the_same_part_twice_is_warned_about(tmp_path: Path) -> None:
    path = data(tmp_path / "a.jsonl", 10)
    assert [found.code for found in probe_mix([path, path]).problems] == ["L407"]


def test_sizes_are_added_once_a_file() -> None:
    limits = Limits(total_bytes=1000)
    big = DatasetProbe(Path("/x/a"), "train", bytes=600)
    other = DatasetProbe(Path("/x/b"), "validation", bytes=500)
    assert [found.code for found in check_together([big, other], limits)] == ["L403"]
    assert [found.code for found in check_together([big, big], limits)] == []


def test_a_circle_of_links_is_compared_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").symlink_to("a.jsonl")
    probe = probe_dataset(tmp_path / "a.jsonl")
    assert check_together([probe, probe_dataset(data(tmp_path / "b.jsonl", 10))]) == ()
