"""Pairs images with captions in a folder: `cat.txt` beside `cat.jpg`, or a metadata file that lists them.

Images are told by their ending; they are **not** opened.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pydantic_core import from_json

from idiolect.data.probe_lines import bounded_lines
from idiolect.files import Unreadable, open_plain
from idiolect.problem import Problem, ProblemSeverity, problem
from idiolect.text_hints import counted, listed

IMAGE_SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"))
_CAPTION_SUFFIXES = frozenset((".txt", ".caption"))
_LISTS = ("metadata.jsonl", "captions.jsonl", "metadata.csv", "captions.csv")
_IMAGE_KEYS = ("file_name", "image", "file")
_CAPTION_KEYS = ("caption", "text")
_MOST_FILES = 1_000_000


@dataclass(frozen=True, slots=True)
class ImageFolder:
    """How many images have a caption, and what is wrong with the others."""

    pairs: int
    bytes: int
    problems: tuple[Problem, ...]


def scan_image_folder(folder: Path) -> ImageFolder:
    """Look through a folder and the folders in it; links to folders are not followed."""
    images: dict[str, str] = {}  # path without its ending to the path, both relative to the folder
    captions: set[str] = set()
    total = 0
    for files, (path, number) in enumerate(_walk(folder), 1):
        if files > _MOST_FILES:
            most = f"{folder.name} holds more than {_MOST_FILES:,} files"
            return ImageFolder(0, total, (problem("L403", most, where=str(folder)),))
        suffix = PurePosixPath(path).suffix
        stem = path.removesuffix(suffix)
        total += number
        if suffix.lower() in IMAGE_SUFFIXES:
            images[stem] = path
        elif suffix.lower() in _CAPTION_SUFFIXES and number:
            captions.add(stem)
    named, problems = _listed_captions(folder)
    paired = {stem for stem, path in images.items() if stem in captions or path in named}
    lonely = sorted(images[stem] for stem in images.keys() - paired)
    orphans = sorted((captions - images.keys()) | (named - set(images.values())))
    return ImageFolder(len(paired), total, (*problems, *_pair_problems(folder, len(images), lonely, orphans)))


def _walk(folder: Path) -> Iterator[tuple[str, int]]:
    for parent, folders, names in os.walk(folder, onerror=_stop):
        folders.sort()
        for name in sorted(names):
            path = Path(parent, name)
            try:
                yield path.relative_to(folder).as_posix(), path.stat().st_size
            except OSError:  # a link to nothing is no image and no caption
                continue


def _stop(error: OSError) -> None:
    raise error  # a folder that can't be listed must not look like an empty one


def _listed_captions(folder: Path) -> tuple[set[str], list[Problem]]:
    named: set[str] = set()
    problems: list[Problem] = []
    for name in _LISTS:
        path = folder / name
        if not path.exists():
            continue
        unread = 0
        try:
            for row in _rows(path):
                image = next((row[key] for key in _IMAGE_KEYS if row.get(key)), None) if row else None
                caption = next((row[key] for key in _CAPTION_KEYS if row.get(key)), None) if row else None
                if isinstance(image, str) and isinstance(caption, str) and caption.strip():
                    named.add(image.removeprefix("./"))
                else:
                    unread += 1
        except (Unreadable, OSError, UnicodeError, csv.Error) as error:
            problems.append(problem("L409", f"{name}: {error}", where=str(path)))
        if unread:
            what = f"{counted(unread, 'row names', 'rows name')} no image with a caption"
            cure = f"columns wanted: {_IMAGE_KEYS[0]} and {_CAPTION_KEYS[0]}"
            problems.append(
                problem("L404", f"{name}: {what}", help=cure, where=str(path), severity="warning")
            )
    return named, problems


def _rows(path: Path) -> Iterator[dict[str, object] | None]:
    with open_plain(path) as stream:
        lines = (line for _, line in bounded_lines(stream))
        if path.suffix == ".csv":
            text = (line.decode("utf-8-sig") for line in lines if line is not None)
            yield from csv.DictReader(text)
            return
        for line in lines:
            if line is not None and line.isspace():
                continue
            try:
                row = from_json(line or b"")
            except ValueError:
                row = None
            yield row if isinstance(row, dict) else None


def _pair_problems(folder: Path, images: int, lonely: list[str], orphans: list[str]) -> list[Problem]:
    where = str(folder)
    if not images:
        endings = ", ".join(sorted(IMAGE_SUFFIXES))
        return [
            problem("L406", f"{folder.name} holds no images", help=f"endings read: {endings}", where=where)
        ]
    found = []
    if lonely:
        severity: ProblemSeverity = "error" if len(lonely) == images else "warning"
        what = f"{len(lonely):,} of {counted(images, 'image')} without a caption: {listed(lonely, 5)}"
        cure = "put name.txt beside name.jpg, or list the captions in metadata.jsonl"
        found.append(problem("L413", f"{folder.name}: {what}", help=cure, where=where, severity=severity))
    if orphans:
        what = f"{counted(len(orphans), 'caption')} without an image: {listed(orphans, 5)}"
        found.append(problem("L413", f"{folder.name}: {what}", where=where))
    return found
