"""Downloads from a hub on loopback that speaks as Hugging Face's does, through its own client library."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tiny_models import tiny_model

COMMIT = "c0ffee" + 34 * "0"
LOAD = """
import sys
from pathlib import Path
from idiolect.student.load import load_student
from idiolect.student.trouble import StudentError
for name in sys.argv[2:]:
    try:
        student = load_student(name, root=Path(sys.argv[1]), device="cpu")
    except StudentError as error:
        print(error.problem.code, error, "|", error.help)
    else:
        print("loaded", student.base, len(student.tokenizer), student.model.config.model_type)
"""


@dataclass
class Hub:
    folder: Path
    asked: list[str] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    folder = tiny_model(tmp_path / "theirs", "qwen3")
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")
    (folder / "modeling_mine.py").write_text("raise SystemExit('it ran')")
    served = Hub(folder)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            served.asked.append(f"{self.command} {self.path}")
            if "silly/model" in self.path:
                self.answer(200, b'"a page of another kind"', {})
            elif "gated/model" in self.path:
                self.answer(403, b"{}", {"X-Error-Code": "GatedRepo", "X-Error-Message": "terms"})
            elif self.path.startswith("/api/models/someone/model/tree/"):
                found = sorted(served.folder.iterdir())
                tree = [
                    {"type": "file", "path": one.name, "size": one.stat().st_size, "oid": "0" * 40}
                    for one in found
                ]
                self.answer(200, json.dumps(tree).encode(), {})
            elif self.path.startswith("/api/models/someone/model"):
                files = [{"rfilename": path.name} for path in sorted(served.folder.iterdir())]
                content = {"id": "someone/model", "sha": COMMIT, "siblings": files}
                self.answer(200, json.dumps(content).encode(), {})
            elif self.path.startswith(f"/someone/model/resolve/{COMMIT}/"):
                data = (served.folder / self.path.rpartition("/")[2]).read_bytes()
                etag = hashlib.sha256(data).hexdigest()
                self.answer(200, data, {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT})
            else:
                self.answer(404, b"{}", {"X-Error-Code": "RepoNotFound"})

        def answer(self, status: int, data: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(data))}).items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_port}"
    yield served
    server.shutdown()
    thread.join()
    server.server_close()


def load(names: list[str], root: Path, url: str) -> list[str]:
    """What a process of its own says, since the client library reads its settings once."""
    settings = {
        "HF_ENDPOINT": url,
        "HF_HOME": str(root / "home"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_OFFLINE": "0",
        "NO_PROXY": "127.0.0.1",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-c", LOAD, str(root), *names]
    done = subprocess.run(command, env=os.environ | settings, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()


def test_a_hub_gives_models_without_pickles_and_code_and_says_why_not(hub: Hub, tmp_path: Path) -> None:
    names = ["someone/model", "someone/model", "someone/other", "gated/model", "silly/model"]
    first, again, other, gated, silly = load(names, tmp_path, hub.url)
    assert first == again == "loaded someone/model 417 qwen3"
    fetched = [line for line in hub.asked if "someone/model/resolve" in line]
    assert any("model.safetensors" in line for line in fetched)
    assert not any(line.endswith((".bin", ".py")) for line in fetched)
    assert len(fetched) == len(set(fetched))  # the second load asks for nothing
    assert other.startswith("V004")
    assert gated.startswith('V004 "gated/model" is gated')
    assert "hf auth login" in gated
    assert silly.startswith('V004 "silly/model" is not on this machine')


def test_no_way_to_the_hub_says_how_to_go_without(tmp_path: Path) -> None:
    (told,) = load(["someone/model"], tmp_path, "http://127.0.0.1:9")
    assert told.startswith('V004 "someone/model" is not on this machine')
    assert "hf download someone/model" in told
