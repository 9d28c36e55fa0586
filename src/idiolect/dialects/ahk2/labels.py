"""Hotkeys, remaps, hotstrings and key names: what stands left of "::" in a line.

It recognizes and checks them alone; whether one may stand where it stands is the statements' matter.
"""

from __future__ import annotations

import re

from idiolect.dialects.ahk2.builtins import key_names

_HOTSTRING = re.compile(r":([^:]*):")
_HOTKEY = re.compile(
    r"(?P<first>\S{1,40}?)(?:[ \t]{1,9}&[ \t]{1,9}(?P<second>\S{1,40}?))?(?:[ \t]{1,9}up)?[ \t]{0,9}::", re.I
)
_MODIFIERS = re.compile(r"[<>*~$!^+#]*")
_SEND_MODIFIERS = re.compile(r"[<>!^+#]*")
_JOYSTICK = re.compile(r"(?:1[0-6]|[1-9])?joy([1-9]|[12]\d|3[0-2])$", re.I)
_ALT_TAB = {"alttab", "shiftalttab", "alttabmenu", "alttabanddismiss", "alttabmenudismiss"}
MOST_ABBREVIATION = 40


def read_hotstring(text: str) -> tuple[str, str, int] | None:
    """Options and abbreviation of a hotstring, and where its replacement starts."""
    if not text.startswith(":"):
        return None
    match = _HOTSTRING.match(text)
    if match is None:
        return None
    start = match.end()
    at = text.find("::", start)
    while at > start and text[at - 1] == "`" and text[at - 2 : at - 1] != "`":
        at = text.find("::", at + 1)
    if at < 0:
        return None
    while text.startswith(":::", at) and at == start:  # an abbreviation may begin with colons
        at = text.find("::", at + 1)
    return match[1], text[start:at], at + 2


def find_hotkey(text: str) -> int | None:
    """The offset after the "::" of a hotkey, or None where the line is something else."""
    if "::" not in text:
        return None
    if text.startswith(":"):
        return 3 if text.startswith(":::") else 2 if text.startswith("::") else None
    match = _HOTKEY.match(text)
    if match is None:
        return None
    first = match["first"]
    if len(first) > 1 and (first.count('"') % 2 or first.count("'") % 2) and match["second"] is None:
        return None
    return match.end()


def hotkey_is_remap(target: str) -> bool:
    """Whether what follows "::" is the key to send instead."""
    target = target.strip()
    match = _SEND_MODIFIERS.match(target)
    assert match is not None
    key = target[match.end() :] or target[-1:]
    if not key or key == "{" or any(space in key for space in " \t"):
        return False
    return is_key(key)


def is_alt_tab(target: str) -> bool:
    """Whether what follows "::" is one of the special Alt-Tab actions."""
    return target.strip().lower() in _ALT_TAB


def is_key(name: str) -> bool:
    """Whether a name is that of a key, mouse button or controller button."""
    if len(name) == 1:
        return True
    lowered = name.lower()
    if lowered in key_names() or _JOYSTICK.match(lowered):
        return True
    if lowered.startswith("vk"):
        return re.fullmatch(r"vk[0-9a-f]{1,2}", lowered) is not None
    if lowered.startswith("sc"):
        return re.fullmatch(r"sc[0-9a-f]{1,3}", lowered) is not None
    return re.fullmatch(r"f(?:[1-9]|1\d|2[0-4])", lowered) is not None


def check_hotkey(name: str) -> tuple[str, str] | None:
    """What is wrong with the text left of "::": the fault's code and the part at fault."""
    text = name
    if text != text.strip() or not text:
        return "parse.hotkey", name
    up = re.search(r"[ \t]up$", text, re.I)
    if up is not None and text.lower() != "up":
        text = text[: up.start()].rstrip()
    if " & " in text:
        first, _, second = text.partition(" & ")
        first, second = first.strip(), second.strip()
        prefix = first[1:] if first.startswith("~") and len(first) > 1 else first
        return _check_pair(name, prefix, second)
    match = _MODIFIERS.match(text)
    assert match is not None
    key = text[match.end() :] or text[-1:]
    if len(key) == 2 and key[0] == "`" and key[1] != "`":
        key = key[1]
    if len(key) > 1 and _odd(key):
        return "parse.hotkey", name
    if not is_key(key):
        return "name.key", key
    if _JOYSTICK.match(key) and any(mark in "^!+#<>" for mark in text[: match.end()]):
        return "parse.hotkey", name
    return None


def _check_pair(name: str, first: str, second: str) -> tuple[str, str] | None:
    if len(first) > 1 and first[0] in "^!+#*$<>":
        return "parse.hotkey", name
    if len(second) > 1 and second[0] in "^!+#*$<>~":
        return "parse.hotkey", name
    for key in (first, second):
        if key and not is_key(key):
            return "name.key", key
    if first.lower().startswith("wheel") or _JOYSTICK.match(first):
        return "parse.key.prefix", first
    return None


def _odd(key: str) -> bool:
    return re.search(r"[^\w\x80-\U0010ffff]", key) is not None


def hotkey_identity(name: str) -> str:
    """The form in which two hotkeys of one context are the same."""
    text = re.sub(r"[ \t]+", " ", name.strip().lower())
    if " & " in text:
        return text.lstrip("~")
    match = _MODIFIERS.match(text)
    assert match is not None
    marks, key = text[: match.end()], text[match.end() :]
    if not key:
        marks, key = marks[:-1], marks[-1:]
    sided = re.findall(r"[<>]?[!^+#]", marks)
    return "".join(sorted(set(sided))) + ("*" if "*" in marks else "") + " " + key
