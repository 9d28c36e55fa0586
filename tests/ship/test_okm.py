import io
import json
import zipfile
from pathlib import Path

import pytest

from idiolect.ship.okm import BadArchive, new_signing_key, read_okm, unpack_okm, write_okm
from idiolect.ship.sealing import MAGIC, CantUnseal, seal, secret_of, unseal

SECRET = "00112233445566778899aabbccddeeff" * 2


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "student"
    (made / "dialect").mkdir(parents=True)
    (made / "adapter_model.safetensors").write_bytes(bytes(range(256)) * 5000)
    (made / "dialect" / "grammar.lark").write_text("start: A\n")
    return made


def packed(folder: Path, name: str = "a.okm", **more: object) -> Path:
    return write_okm(folder, folder.parent / name, name="toy", facts={"base": "nano"}, made_with="0", **more)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("secret", [None, SECRET, "a long enough passphrase"])
@pytest.mark.parametrize("signed", [False, True])
def test_what_was_packed_comes_out(folder: Path, secret: str | None, signed: bool):
    key = folder.parent / "key"
    public = new_signing_key(key) if signed else None
    path = packed(folder, secret=secret, signing_key=key if signed else None)
    told = unpack_okm(path, folder.parent / "out", secret=secret)
    assert files(folder.parent / "out") == files(folder)
    assert (told.signed_by, told.sealed) == (public, secret is not None)
    assert told.manifest.facts == {"base": "nano"}
    if secret:
        assert b"grammar.lark" not in path.read_bytes()
    if signed:
        assert key.stat().st_mode & 0o077 == 0


def test_the_same_content_gives_the_same_bytes(folder: Path):
    assert packed(folder).read_bytes() == packed(folder, "b.okm").read_bytes()


def rewritten(path: Path, change: object) -> Path:
    """The archive with its files changed by a function of {name: bytes}."""
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    change(content)
    out = path.with_name("changed.okm")
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return out


def renamed(content: dict[str, bytes], name: str) -> None:
    manifest = json.loads(content["manifest.json"])
    manifest["files"][name] = manifest["files"].pop("dialect/grammar.lark")
    content["manifest.json"] = json.dumps(manifest).encode()
    content[name] = content.pop("dialect/grammar.lark")


def bomb(content: dict[str, bytes]) -> None:
    content["dialect/grammar.lark"] = b"0" * 50_000_000


def shorter(content: dict[str, bytes]) -> None:
    manifest = json.loads(content["manifest.json"])
    manifest["files"]["dialect/grammar.lark"]["bytes"] = 3
    content["manifest.json"] = json.dumps(manifest).encode()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda c: renamed(c, "../outside"), "leads out"),
        (lambda c: renamed(c, "/tmp/outside"), "leads out"),
        (lambda c: renamed(c, "a/../../outside"), "leads out"),
        (lambda c: renamed(c, "C:\\outside"), "leads out"),
        (lambda c: c.update({"dialect/grammar.lark": b"start: B\n"}), "hash differs"),
        (lambda c: c.update({"evil.py": b"1"}), "does not name"),
        (lambda c: c.pop("dialect/grammar.lark"), "lacks"),
        (lambda c: c.pop("manifest.json"), "no manifest"),
        (lambda c: c.update({"manifest.json": b"{}"}), "manifest is not one"),
        (lambda c: c.update({"manifest.json": b" " * 9_000_000}), "larger than a manifest"),
        (bomb, "size that the manifest says"),
        (shorter, "size that the manifest says"),
    ],
)
def test_an_archive_that_was_tampered_with_is_refused_and_writes_nothing(
    folder: Path, change: object, why: str
):
    path = rewritten(packed(folder), change)
    before = sorted(folder.parent.rglob("*"))
    with pytest.raises(BadArchive, match=why):
        unpack_okm(path, folder.parent / "out")
    assert sorted(folder.parent.rglob("*")) == before
    assert not Path("/tmp/outside").exists()


def test_a_signature_of_another_manifest_is_refused(folder: Path):
    new_signing_key(folder.parent / "key")
    path = packed(folder, signing_key=folder.parent / "key")

    def change(content: dict[str, bytes]) -> None:
        content["manifest.json"] = content["manifest.json"].replace(b'"nano"', b'"mono"')

    with pytest.raises(BadArchive, match="something was changed"):
        read_okm(rewritten(path, change))


@pytest.mark.parametrize("cut", [3, 100, 5000, 1_048_700, 1_280_000])
def test_a_truncated_archive_is_refused(folder: Path, cut: int):
    for secret in (None, SECRET):
        whole = packed(folder, secret=secret).read_bytes()
        short = folder.parent / "short.okm"
        short.write_bytes(whole[:cut])
        with pytest.raises((BadArchive, CantUnseal)):
            unpack_okm(short, folder.parent / "out", secret=secret)
        assert not (folder.parent / "out").exists()


def test_a_sealed_archive_wants_its_own_key(folder: Path):
    path = packed(folder, secret=SECRET)
    with pytest.raises(BadArchive, match="sealed, and no key"):
        read_okm(path)
    with pytest.raises(CantUnseal, match="the key is another one"):
        read_okm(path, secret="ff" * 32)
    with pytest.raises(CantUnseal, match="12 characters"):
        packed(folder, secret="short")
    with pytest.raises(CantUnseal, match="OKTO_KEY"):
        secret_of(None, {})
    assert secret_of(None, {"OKTO_KEY": " x "}) == "x"


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20])
def test_chunks_can_not_be_dropped_swapped_or_changed(size: int):
    data = bytes(size % 251 for size in range(size))
    sealed = io.BytesIO()
    seal(io.BytesIO(data), sealed, SECRET)
    opened = io.BytesIO()
    unseal(io.BytesIO(sealed.getvalue()), opened, SECRET)
    assert opened.getvalue() == data
    raw = sealed.getvalue()
    head, chunk = len(MAGIC) + 23, (1 << 20) + 16
    changed = [raw[:-1], raw[:head] + raw[head + chunk :], raw[: head + 1] + b"\xff" + raw[head + 2 :]]
    if len(raw) > head + 2 * chunk:
        swapped = raw[:head] + raw[head + chunk : head + 2 * chunk] + raw[head : head + chunk]
        changed += [swapped + raw[head + 2 * chunk :], raw[: head + chunk]]
    for one in changed:
        if one == raw:
            continue
        with pytest.raises(CantUnseal):
            unseal(io.BytesIO(one), io.BytesIO(), SECRET)
