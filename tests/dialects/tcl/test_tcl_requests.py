"""Requests for Tcl scripts: what notes are taken from, sweeps, loops and French."""

from __future__ import annotations

import json
import random

import pytest

from idiolect.dialects.catalog import Catalog
from idiolect.dialects.catalog_json import parse_catalog
from idiolect.dialects.contract import Context
from idiolect.dialects.refusal import refusal_mark, refusal_reason, refusal_text
from idiolect.dialects.tcl.describe import request, steps_of
from idiolect.dialects.tcl.dialect import Tcl, demo_catalog
from idiolect.dialects.tcl.wording import action_in

TCL = Tcl()


def catalog(notes: str, name: str = "my::route") -> Catalog:
    args = [{"name": "net"}, {"name": "layer", "type": "enum", "values": ["M1", "M2", "M3"]}]
    return parse_catalog(json.dumps({"procs": [{"name": name, "args": args, "notes": notes}]}))


def steps(text: str, notes: str, language: str = "en") -> list[str]:
    return steps_of(TCL.analyse(text, Context(catalog=catalog(notes))), None, language)


@pytest.mark.parametrize(
    ("notes", "name", "action"),
    [
        ("route a net on a layer", "x", "route a net on a layer"),
        ("Routes a net.", "x", "route a net"),
        ("Copies the net\nand more", "x", "copy the net"),
        ("Fails if the layer is blocked", "x", ""),
        ("Zorbs a net", "my::zorb", "zorb a net"),
        ("", "x", ""),
    ],
)
def test_notes_that_name_an_action_are_told_from_others(notes: str, name: str, action: str) -> None:
    assert action_in(notes, name) == action


def test_a_proc_whose_note_is_no_action_goes_by_its_name() -> None:
    said = steps("my::route -net CLK -layer M3", "Fails if the layer is blocked in the tech file")
    assert said == ["call my::route with net CLK and layer M3"]


def test_calls_that_differ_in_one_value_are_one_step() -> None:
    text = "my::route -net CLK -layer M1\nmy::route -net CLK -layer M3\nmy::route -net RST -layer M3\n"
    assert steps(text, "route a net on a layer") == [
        "route net CLK on layer M1, then M3, one call each",
        "route net RST on layer M3",
    ]


def test_the_variable_of_a_loop_is_that_thing() -> None:
    text = "foreach net {A B} {\n    my::route -net $net -layer M1\n}\n"
    for notes in (
        "route a net on a layer",
        "route net <net> on layer <layer>",
        "route <net> on layer <layer>",
    ):
        assert steps(text, notes) == ["for each net in A and B, route that net on layer M1"]


def test_french_steps_are_infinitives() -> None:
    text = "foreach net {A B} {\n    my::route -net $net -layer M1\n}\n"
    assert steps(text, "router le réseau <net> sur la couche <layer>", "fr") == [
        "pour chaque net parmi A et B, router le réseau en cours sur la couche M1"
    ]


def test_two_procs_of_one_note_are_named() -> None:
    raw = {"procs": [{"name": name, "notes": "stop the line"} for name in ("a::x", "a::y")]}
    found = TCL.analyse("a::y\n", Context(catalog=parse_catalog(json.dumps(raw))))
    assert all("a::y" in request(found, random.Random(seed)) for seed in range(20))


def test_a_refusal_is_a_comment_that_verifies_and_can_be_written() -> None:
    context = Context(catalog=demo_catalog())
    before = ["#!/usr/bin/env tclsh"]
    mark = refusal_mark(TCL, context, before)
    assert mark == "#"
    text = refusal_text("layer takes M1 or M2,\nnot M9", mark, before)
    assert TCL.verify(text, context).ok
    assert refusal_reason(text) == "layer takes M1 or M2, not M9"
    assert refusal_reason("# a comment\nputs hi\n") is None


def test_the_order_of_flags_does_not_make_two_scripts_of_one() -> None:
    context = Context(catalog=catalog("route a net on a layer"))
    one, other = "my::route -net CLK -layer M3\n", "my::route -layer M3 -net CLK\n"
    assert TCL.equal(one, other, context)
    assert not TCL.equal(one, other.replace("M3", "M2"), context)
    assert TCL.canonical(other, context) == other
