import os
import socket
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
from fake_system import GIB, FakeSystem

from idiolect.machine.container import container_limits
from idiolect.machine.gpus import find_gpus
from idiolect.machine.survey import extras, survey
from idiolect.machine.system import Ran, ThisSystem

H200 = "0, GPU-aaaa, NVIDIA H200, 143771, 143000, 580.65.06, 9.0\n"
T4 = "1, GPU-bbbb, Tesla T4, 15360, 15000, 580.65.06, 7.5\n"
BANNER = Ran(0, "| NVIDIA-SMI 580.65.06   Driver Version: 580.65.06   CUDA Version: 13.0 |\n")


def with_gpus(rows: str, **env: str) -> FakeSystem:
    return FakeSystem(commands={"compute_cap": Ran(0, rows), "nvidia-smi": BANNER}, env=env)


def test_gpus_are_read_from_the_drivers_tool() -> None:
    gpus, problems = find_gpus(with_gpus(H200 + T4))
    assert problems == ()
    assert [gpu.name for gpu in gpus] == ["NVIDIA H200", "Tesla T4"]
    first = gpus[0]
    assert (first.memory_total, first.memory_free) == (143771 << 20, 143000 << 20)
    assert (first.driver, first.cuda, first.compute_capability) == ("580.65.06", "13.0", (9, 0))


def test_an_old_driver_that_knows_no_compute_capability_is_read_too() -> None:
    system = FakeSystem(
        commands={
            "compute_cap": Ran(2, 'Field "compute_cap" is not a valid field to query.'),
            "driver_version": Ran(0, "0, GPU-aaaa, GeForce GTX 1080, 8119, [N/A], 470.10\n"),
        }
    )
    ((gpu,), problems) = find_gpus(system)
    assert (gpu.compute_capability, gpu.memory_free, gpu.cuda, problems) == (None, None, None, ())


@pytest.mark.parametrize(
    ("chosen", "names"),
    [
        ("0", ["NVIDIA H200"]),
        ("1,0", ["Tesla T4", "NVIDIA H200"]),
        ("GPU-bb", ["Tesla T4"]),
        ("0,7,1", ["NVIDIA H200"]),
        ("", []),
        ("-1", []),
        ("MIG-1234", ["NVIDIA H200", "Tesla T4"]),
    ],
)
def test_hidden_gpus_are_left_out_and_mentioned(chosen: str, names: list[str]) -> None:
    gpus, problems = find_gpus(with_gpus(H200 + T4, CUDA_VISIBLE_DEVICES=chosen))
    assert [gpu.name for gpu in gpus] == names
    assert [found.severity for found in problems] == (["info"] if len(names) < 2 else [])


@pytest.mark.parametrize(
    ("system", "word"),
    [
        (FakeSystem(commands={"nvidia-smi": Ran(None, "")}), "did not answer"),
        (
            FakeSystem(commands={"nvidia-smi": Ran(9, "\nNVIDIA-SMI has failed\nmore")}),
            "NVIDIA-SMI has failed",
        ),
        (FakeSystem(files={"/proc/driver/nvidia/version": "x"}), "was not found"),
    ],
)
def test_a_gpu_that_cannot_be_read_is_a_warning(system: FakeSystem, word: str) -> None:
    gpus, (found,) = find_gpus(system)
    assert (gpus, found.code, found.severity) == ((), "L509", "warning")
    assert word in found.message


def test_a_tool_that_hangs_is_asked_once_only() -> None:
    system = FakeSystem(commands={"nvidia-smi": Ran(None, "")})
    find_gpus(system)
    assert len(system.asked) == 1


@pytest.mark.parametrize("output", ["", "\n", "garbage", "a,b\n", ",,,,,,\n", "\0" * 100, '"' * 99])
def test_odd_output_of_the_tool_is_no_traceback(output: str) -> None:
    find_gpus(with_gpus(output))


def test_apple_gpus_go_by_the_platform() -> None:
    ((gpu,), _) = find_gpus(FakeSystem(kind=("Darwin", "Darwin 24", "arm64")))
    assert gpu.kind == "mps"
    assert find_gpus(FakeSystem(kind=("Darwin", "Darwin 20", "x86_64"))) == ((), ())


CGROUP2 = {"/proc/self/cgroup": "0::/app/job\n"}
LIMITS = {
    "none": ({}, (None, None, None)),
    "version 2": (
        {
            **CGROUP2,
            "/sys/fs/cgroup/app/job/memory.max": "max\n",
            "/sys/fs/cgroup/app/memory.max": "4294967296\n",
            "/sys/fs/cgroup/app/memory.current": "2147483648\n",
            "/sys/fs/cgroup/app/memory.stat": "anon 1\ninactive_file 1073741824\n",
            "/sys/fs/cgroup/app/job/cpu.max": "150000 100000\n",
            "/sys/fs/cgroup/app/cpu.max": "max 100000\n",
        },
        (4 * GIB, 3 * GIB, 1.5),
    ),
    "version 2 inside a container": (
        {
            "/proc/self/cgroup": "0::/\n",
            "/sys/fs/cgroup/memory.max": "1073741824",
            "/sys/fs/cgroup/cpu.max": "50000 100000",
        },
        (GIB, GIB, 0.5),
    ),
    "version 1": (
        {
            "/proc/self/cgroup": "4:memory:/docker/x\n3:cpu,cpuacct:/docker/x\n0::/x\n",
            "/sys/fs/cgroup/memory/memory.limit_in_bytes": "2147483648\n",
            "/sys/fs/cgroup/memory/memory.usage_in_bytes": "1073741824\n",
            "/sys/fs/cgroup/memory/memory.stat": "total_inactive_file 1024\n",
            "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "200000\n",
            "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
        },
        (2 * GIB, GIB + 1024, 2.0),
    ),
    "no quota": (
        {"/proc/self/cgroup": "3:cpu:/\n", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n"},
        (None, None, None),
    ),
    "odd text": (
        {**CGROUP2, "/sys/fs/cgroup/memory.max": "²³", "/sys/fs/cgroup/cpu.max": "9 0"},
        (None, None, None),
    ),
}


@pytest.mark.parametrize("name", LIMITS)
def test_container_limits_are_the_tightest_around_the_process(name: str) -> None:
    files, (memory, left, processors) = LIMITS[name]
    limits = container_limits(FakeSystem(files=files))
    assert (limits.memory, limits.memory_left, limits.processors) == (memory, left, processors)


def test_the_survey_respects_a_containers_limits() -> None:
    machine = survey(system=FakeSystem(files=LIMITS["version 2"][0]))
    assert (machine.memory_total, machine.memory_available, machine.cores) == (4 * GIB, 3 * GIB, 2)
    assert machine.memory_limited
    free = survey(system=FakeSystem())
    assert (free.memory_total, free.memory_available, free.cores) == (16 * GIB, 10 * GIB, 8)
    assert not free.memory_limited


def test_the_survey_names_processor_platform_and_libraries() -> None:
    files = {"/proc/cpuinfo": "processor : 0\nmodel name\t: Some CPU @ 3 GHz\n"}
    machine = survey(system=FakeSystem(files=files, packages={"torch": "2.13.0"}))
    assert (machine.platform, machine.cpu) == ("linux", "Some CPU @ 3 GHz")
    versions = {library.name: library.version for library in machine.libraries}
    assert (versions["torch"], versions["peft"]) == ("2.13.0", None)
    assert "torch" not in machine.missing("train")
    assert "peft" in machine.missing("train")
    mac = FakeSystem(kind=("Darwin", "Darwin 24", "arm64"), commands={"sysctl": Ran(0, "Apple M4\n")})
    assert (survey(system=mac).platform, survey(system=mac).cpu) == ("mac", "Apple M4")
    assert survey(system=FakeSystem(kind=("Plan9", "Plan9", ""))).platform == "other"


def test_extras_name_the_packages_that_the_project_declares() -> None:
    declared = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    compared = 0
    for name, extra in extras().items():
        if name in declared:
            packages = {
                requirement.split(">")[0].split("=")[0].split("[")[0] for requirement in declared[name]
            }
            assert set(extra.packages) <= packages, f"extras.toml and pyproject.toml differ in {name}"
            compared += 1
    assert compared >= 2


def test_this_machine_is_surveyed_without_heavy_imports() -> None:
    probe = (
        "import sys; from idiolect.machine.survey import survey; m = survey(); "
        "assert m.cores >= 1 and m.memory_total >= m.memory_available > 0 and m.disk.free > 0; "
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert not {"torch", "transformers", "pyarrow"} & set(done.stdout.split())


def test_commands_are_ended_at_their_time_limit(tmp_path: Path) -> None:
    sleeper = tmp_path / "sleeper"
    sleeper.write_text("#!/bin/sh\nexec sleep 60\n")
    sleeper.chmod(0o755)
    started = time.process_time()
    ran = ThisSystem().run((str(sleeper),), 0.2)
    assert time.process_time() - started < 20
    assert ran == Ran(None, "")
    assert ThisSystem().run(("no-such-program-here",), 1) is None
    assert ThisSystem().run((sys.executable, "-c", "print('hi'); exit(3)"), 20) == Ran(3, "hi\n")


def test_the_system_reads_only_small_plain_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    os.mkfifo(tmp_path / "pipe")
    system = ThisSystem()
    assert system.read(str(tmp_path / "a")) == "x"
    assert system.read(str(tmp_path / "pipe")) is None
    assert system.read("/dev/zero") is None
    assert system.disk(tmp_path / "absent") is None


def test_a_connection_is_tried_with_a_time_limit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert ThisSystem().connect("127.0.0.1", port, 5) is None
    assert ThisSystem().connect("127.0.0.1", port, 5) is not None
