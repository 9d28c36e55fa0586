"""MONITOR, LOGGING and what they write: samples, speed, notifications, and files that are always whole."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest
from train_plans import plan_of

from idiolect.okt.blocks.watch import Monitor
from idiolect.train.json_list import JsonList
from idiolect.train.live_file import LiveFile
from idiolect.train.live_line import LiveLine, Progress, duration, line_text
from idiolect.train.machine_load import Nvml, ThisMachine
from idiolect.train.metrics_log import MetricsStream, TrainingLog, write_metrics
from idiolect.train.monitor import Notification, Outlets, TrainingMonitor
from idiolect.train.run_files import RunFiles
from idiolect.train.speed import SpeedMeter


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Machine:
    """Tells what it is told to, one after the other; an exception is raised."""

    def __init__(self, *loads: Mapping[str, float] | Exception) -> None:
        self.loads = list(loads)

    def read(self) -> Mapping[str, float]:
        load = self.loads.pop(0) if len(self.loads) > 1 else self.loads[0]
        if isinstance(load, Exception):
            raise load
        return load

    def why_not(self, name: str) -> str:
        return "the toy has none"


def monitor_of(block: str) -> Monitor:
    monitor = plan_of(f"MONITOR {{ {block} }}").monitor
    assert monitor is not None
    return monitor


def watched(block: str, *loads: Mapping[str, float] | Exception, **outlets: Any) -> TrainingMonitor:
    return TrainingMonitor(monitor_of(block), Machine(*loads), Outlets(**outlets), clock=lambda: "12:00")


# --- samples


def test_a_sample_holds_what_the_script_names_and_full_holds_everything() -> None:
    load = {"cpu_usage": 10.0, "ram_usage": 50.0, "ram_total": 8.0, "disk_io": 3.0}
    basic = watched('log_system: ["cpu_usage"] metrics: ["loss"]', load)
    basic.tell(7, {"loss": 0.5, "grad_norm": 1.0})
    assert basic.sample() == {"time": "12:00", "step": 7, "cpu_usage": 10.0, "loss": 0.5}
    full = watched("level: full", load)
    full.tell(7, {"loss": 0.5, "val_loss": 0.6, "f1": 0.9, "val_f1": 0.9})
    expected = {"time", "step", "loss", "val_loss", "val_f1", "cpu_usage", "ram_usage", "disk_io"}
    assert set(full.sample()) == expected
    essential = watched("level: basic", load)
    essential.tell(7, {"loss": 0.5, "grad_norm": 1.0})
    assert set(essential.sample()) == {"time", "step", "loss", "cpu_usage", "ram_usage"}


def test_a_notification_comes_when_its_condition_becomes_true() -> None:
    raised: list[Notification] = []
    loads = [{"ram_usage": usage} for usage in (80.0, 95.0, 96.0, 70.0, 99.0, 99.0)]
    monitor = watched("notify_if { ram_usage > 90% }", *loads, notify=raised.append)
    for _ in loads:
        monitor.sample()
    assert [one.values for one in raised] == [{"ram_usage": 95.0}, {"ram_usage": 99.0}]
    assert raised[0].text == "notification: ram_usage > 90% (ram_usage = 95)"


def test_samples_and_notifications_are_written_everywhere_they_should_be(tmp_path: Path) -> None:
    live, text = tmp_path / "live.jsonl", tmp_path / "deep/monitor.log"
    monitor = watched(
        "notify_if { ram_usage > 90% }",
        {"ram_usage": 95.0},
        samples=JsonList(tmp_path / "system.json"),
        notifications=JsonList(tmp_path / "notifications.json"),
        text=text,
        live=LiveFile(live, clock=lambda: "now"),
    )
    monitor.tell(3, {"loss": float("nan")})
    monitor.sample()
    monitor.stop()
    samples = json.loads((tmp_path / "system.json").read_text())
    assert samples == [{"time": "12:00", "step": 3, "loss": "NaN", "ram_usage": 95.0}] * 2
    (raised,) = json.loads((tmp_path / "notifications.json").read_text())
    assert raised["condition"] == "ram_usage > 90%"
    assert text.read_text().splitlines()[:2] == [
        "12:00 step 3: loss nan, ram_usage 95",
        "12:00 notification: ram_usage > 90% (ram_usage = 95)",
    ]
    kinds = [json.loads(line)["kind"] for line in live.read_text().splitlines()]
    assert kinds == ["sample", "notification", "sample"]


def test_what_was_asked_for_and_never_came_is_told_once_with_the_reason() -> None:
    warned: list[str] = []
    block = 'log_system: ["cpu_usage", "gpu_usage"] metrics: ["gemm_tflops", "val_accuracy"]'
    monitor = watched(block, {"cpu_usage": 1.0}, warn=warned.append)
    monitor.sample()
    monitor.stop()
    assert warned == [
        "MONITOR: gemm_tflops is not available: no kernel of this engine counts it",
        "MONITOR: val_accuracy is not available: training did not measure it; list it in METRICS",
        "MONITOR: gpu_usage is not available: the toy has none",
    ]


def test_a_sensor_that_fails_is_told_once_and_sampling_goes_on() -> None:
    warned: list[str] = []
    broken = OSError("the driver is gone")
    monitor = watched("level: basic", broken, broken, {"cpu_usage": 1.0}, warn=warned.append)
    assert [bool(monitor.sample()) for _ in range(3)] == [False, False, True]
    assert warned == ["monitoring: OSError: the driver is gone"]


def test_the_thread_samples_and_ends_when_it_is_told_to() -> None:
    samples = threading.Event()

    class Told(Machine):
        def read(self) -> Mapping[str, float]:
            samples.set()
            return super().read()

    monitor = TrainingMonitor(
        monitor_of("level: basic").model_copy(update={"refresh_interval": 0.01}),
        Told({"cpu_usage": 1.0}),
        Outlets(),
    )
    before = threading.active_count()
    monitor.start()
    assert samples.wait(10)
    began = time.monotonic()
    monitor.stop()
    assert time.monotonic() - began < 5
    assert threading.active_count() == before


# --- speed and machine


def test_speed_is_counted_between_two_questions() -> None:
    clock = Clock()
    meter = SpeedMeter(clock)
    assert meter.take() == {}
    meter.begin(tokens=1000, samples=10)
    for step in range(1, 5):
        clock.now += 0.5  # waiting for data
        meter.step_begins()
        clock.now += 1.5
        meter.step_ends(1000 + 100 * step, 10 + 4 * step)
    assert meter.take() == {
        "token_count": 1400,
        "throughput": 50.0,
        "tokens_per_second": 50.0,
        "samples_per_second": 2.0,
        "step_time": 2.0,
        "latency": 1.5,
    }
    clock.now += 1
    assert meter.take() == {}


def test_the_machine_is_read_by_psutil_and_a_containers_limit_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()

    class System:
        def memory(self) -> tuple[int, int]:
            return 64 << 30, 48 << 30

        def read(self, path: str) -> str | None:
            return {
                "/proc/self/cgroup": "0::/\n",
                "/sys/fs/cgroup/memory.max": f"{8 << 30}\n",
                "/sys/fs/cgroup/memory.current": f"{6 << 30}\n",
                "/sys/fs/cgroup/memory.stat": "inactive_file 0\n",
            }.get(path)

    moved = iter([(0, 0), (3_000, 1_000)])

    class Counters:
        def __init__(self) -> None:
            self.read_bytes, self.write_bytes = next(moved)

    monkeypatch.setattr(psutil, "disk_io_counters", Counters)
    monkeypatch.setattr(psutil, "cpu_percent", lambda interval: 12.5)
    monkeypatch.setattr(psutil, "sensors_temperatures", dict, raising=False)
    machine = ThisMachine(system=System(), clock=clock)  # type: ignore[arg-type]
    first = machine.read()
    assert first == {
        "cpu_usage": 12.5,
        "ram_usage": 75.0,
        "ram_used": 6 << 30,
        "ram_free": 2 << 30,
        "ram_total": 8 << 30,
    }
    clock.now += 2
    assert machine.read()["disk_io"] == 2000.0
    assert machine.why_not("gpu_usage") == "the device is no GPU"
    assert "sensor" in machine.why_not("temperature")


def test_this_machine_can_be_read() -> None:
    load = ThisMachine().read()
    assert 0 <= load["ram_usage"] <= 100
    assert load["ram_used"] + load["ram_free"] == load["ram_total"] > 0


def test_a_gpu_is_read_by_nvml_and_what_its_driver_refuses_is_left_out() -> None:
    class Error(Exception):
        pass

    class Memory:
        used, free, total = 3, 5, 8

    class Rates:
        gpu = 97

    class Library:
        NVMLError = Error
        NVML_TEMPERATURE_GPU = 0

        def nvmlDeviceGetMemoryInfo(self, handle: Any) -> Memory:
            return Memory()

        def nvmlDeviceGetUtilizationRates(self, handle: Any) -> Rates:
            return Rates()

        def nvmlDeviceGetTemperature(self, handle: Any, kind: int) -> int:
            raise Error("not supported")

    expected = {"gpu_memory_used": 3, "gpu_memory_free": 5, "gpu_memory_total": 8, "gpu_usage": 97}
    assert Nvml(Library(), object()).read() == expected


# --- files


def test_a_json_list_is_whole_at_every_moment_and_goes_on_where_it_was(tmp_path: Path) -> None:
    path, clock = tmp_path / "deep/list.json", Clock()
    first = JsonList(path, clock=clock)
    first.flush()
    assert json.loads(path.read_text()) == []
    for number in range(5):
        first.add({"step": number, "text": "a\nb é"})
        clock.now += 1.5
        assert isinstance(json.loads(path.read_text()), list)
    first.flush()
    second = JsonList(path, clock=clock)
    assert len(second) == 5
    second.add({"step": 5})
    second.flush()
    assert [one["step"] for one in json.loads(path.read_text())] == [0, 1, 2, 3, 4, 5]
    second.keep(lambda one: one["step"] <= 2)
    assert [one["step"] for one in json.loads(path.read_text())] == [0, 1, 2]
    assert [path.name for path in path.parent.iterdir()] == ["list.json"]


def test_a_json_list_that_was_cut_short_or_is_another_ones_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    path.write_text('[\n{"step": 1},\n{"step": 2},\n{"st')
    mended = JsonList(path)
    mended.add({"step": 3})
    mended.flush()
    assert [one["step"] for one in json.loads(path.read_text())] == [1, 2, 3]
    path.write_text("not json at all")
    JsonList(path).flush()
    assert json.loads(path.read_text()) == []


def test_a_json_list_with_a_limit_drops_every_second_record(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    limited = JsonList(path, most=10)
    for number in range(25):
        limited.add({"step": number})
        limited.flush()
    steps = [one["step"] for one in json.loads(path.read_text())]
    assert len(steps) <= 10
    assert steps[0] == 0
    assert steps[-1] == 24
    assert limited.thinned >= 4


def test_the_stream_of_metrics_drops_what_a_resumed_run_writes_again(tmp_path: Path) -> None:
    stream = MetricsStream(tmp_path / "training_metrics.jsonl")
    stream.begin(0)
    for step in (2, 4, 6):
        stream.add(step, step / 4, {"loss": 1 / step, "epoch": step / 4})
    stream.add(6, 1.5, {"train_runtime": 3.0, "train_loss": 0.5})
    stream.add(6, 1.5, {"loss": float("nan")})
    with stream.path.open("a") as file:
        file.write('{"step": 6, "los')
    stream.begin(4)
    lines = [json.loads(line) for line in stream.path.read_text().splitlines()]
    assert lines == [{"step": 2, "epoch": 0.5, "loss": 0.5}, {"step": 4, "epoch": 1.0, "loss": 0.25}]


def test_training_logs_begin_anew_or_go_on(tmp_path: Path) -> None:
    path = tmp_path / "training_logs.json"
    times = iter(["10:00", "10:01", "10:02", "11:00", "11:01"])

    def log_of() -> TrainingLog:
        return TrainingLog(
            path, project="x", version="1.0", model_base="nano", device="cpu", clock=lambda: next(times)
        )

    first = log_of()
    first.begin(0)
    first.logged(2, 0.5, {"loss": 1.5})
    first.checkpoint(2, 1.5)
    first.logged(4, 1.0, {"loss": 1.2})
    first.checkpoint(4, 1.2)
    second = log_of()
    second.begin(2)
    second.logged(4, 1.0, {"loss": 1.1})
    second.end(step=4, epochs=1.0, loss=1.1, ended="all steps done")
    said = json.loads(path.read_text())
    assert said["training_started"] == "10:00"
    assert said["resumed"] == [{"step": 2, "timestamp": "11:00"}]
    assert [one["step"] for one in said["checkpoints"]] == [2]
    assert [one["loss"] for one in said["log"]] == [1.5, 1.1]
    assert (said["training_completed"], said["final_loss"], said["total_epochs"]) == ("11:01", 1.1, 1)


def test_metrics_are_flat_numbers(tmp_path: Path) -> None:
    write_metrics(
        tmp_path / "metrics.json",
        {
            "eval_loss": 0.5,
            "eval_accuracy": 0.9,
            "loss": 0.4,
            "confusion_matrix": [[1]],
            "f1": 0.8,
            "ok": True,
        },
    )
    assert json.loads((tmp_path / "metrics.json").read_text()) == {
        "accuracy": 0.9,
        "f1": 0.8,
        "loss": 0.5,
        "train_loss": 0.4,
    }


def test_the_live_file_never_fills_a_disk(tmp_path: Path) -> None:
    live = LiveFile(tmp_path / "live.jsonl", most_bytes=1000)
    for step in range(100):
        live.tell("step", {"step": step})
    lines = (tmp_path / "live.jsonl").read_text().splitlines()
    assert json.loads(lines[-1])["step"] == 99
    assert (tmp_path / "live.jsonl").stat().st_size < 1200


def test_files_lie_where_the_script_puts_them(tmp_path: Path) -> None:
    block = 'LOGGING { metrics_file: "out/m.json" } MONITOR { export_to: "out/s.json" log_to: "out/m.log" }'
    files = RunFiles.of(plan_of(block), tmp_path)
    assert files.metrics == tmp_path / "out/m.json"
    assert files.training == tmp_path / "runs/toy/training_logs.json"
    assert files.system == tmp_path / "out/s.json"
    assert files.monitor_log == tmp_path / "out/m.log"
    assert RunFiles.of(plan_of(""), tmp_path).system == tmp_path / "runs/toy/logs/system.json"


# --- the live line


def test_the_line_leaves_out_what_is_not_known() -> None:
    bare = Progress(step=0, total=0)
    assert line_text(bare, tokens_per_second=None, seconds_left=None, memory=None) == "epoch 0.00"
    whole = Progress(step=5, total=10, epoch=1.5, loss=0.25, val_loss=0.5)
    text = line_text(whole, tokens_per_second=1234.5, seconds_left=75, memory=2_500_000_000)
    assert text == "epoch 1.50, loss 0.2500, val 0.5000, 1,234 tokens/s, 1 min 15 s left, 2.5 GB"
    assert [duration(seconds) for seconds in (0, 59.6, 7500)] == ["0 s", "1 min 00 s", "2 h 05 min"]


def test_the_line_is_drawn_ten_times_a_second_at_most_and_at_the_end() -> None:
    clock, drawn = Clock(), []
    line = LiveLine(
        lambda step, total, text: drawn.append((step, total, text)), memory=lambda: None, clock=clock
    )
    line.begin(1000)
    for step in range(1, 101):
        clock.now += 0.01
        line.show(Progress(step=step, total=100, tokens=1000 + step * 10))
    assert 9 <= len(drawn) <= 12
    assert drawn[-1][:2] == (100, 100)
    assert "1,000 tokens/s, 0 s left" in drawn[-1][2]
