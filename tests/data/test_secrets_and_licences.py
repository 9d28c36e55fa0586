"""Secrets are masked and nothing else is; licences are read from headers."""

from __future__ import annotations

import time

import pytest

from idiolect.data.licences import is_allowed, licence_of
from idiolect.data.secrets import kinds, masked

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123456789"
FOUND = {
    "private_key": f"-----BEGIN RSA PRIVATE KEY-----\n{LETTERS * 3}\n-----END RSA PRIVATE KEY-----",
    "aws_key": "AKIA" + "ABCDEFGHIJKLMNOP",
    "github_token": "ghp_" + LETTERS[:36],
    "gitlab_token": "glpat-" + LETTERS[:20],
    "slack_token": "xoxb-" + "123456789012-abcdef",
    "google_key": "AIza" + LETTERS[:35],
    "stripe_key": "sk_live_" + LETTERS[:24],
    "openai_key": "sk-" + LETTERS[:40],
    "json_web_token": "eyJ" + LETTERS[:20] + ".eyJ" + LETTERS[:20] + "." + LETTERS[:20],
    "url_password": "postgres://bob:hunter22@db",
    "password": 'password := "correct-horse"',
    "email": "ann.b@corp.net",
    "private_address": "192.168.10.7",
}


def test_every_kind_has_a_case() -> None:
    assert set(FOUND) == {kind.name for kind in kinds()}


@pytest.mark.parametrize("kind", FOUND)
def test_a_secret_is_masked_with_its_line_and_once(kind: str) -> None:
    text = f"a\nb\nx {FOUND[kind]} y\n"
    clean, hits = masked(text)
    assert [(hit.kind, hit.line >= 3) for hit in hits] == [(kind, True)]
    assert clean != text
    assert masked(clean) == (clean, ())


@pytest.mark.parametrize(
    "text",
    [
        "version 10.2.1",
        "8.8.8.8",
        "1.10.0.0.1.2",
        "user@example.com",
        "@decorator",
        "password := GetPassword()",
        "a@b",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert masked(text) == (text, ())


@pytest.mark.parametrize(
    "text",
    [
        "a" * 100_000,
        "a@" * 50_000,
        "eyJ" * 33_000,
        "-----BEGIN PRIVATE KEY-----" * 3_700,
        'pwd="' * 20_000,
        "1." * 50_000,
        "a://" * 25_000,
        "sk-" * 33_000,
        "password " * 11_000,
        "a." * 50_000 + "@",
    ],
)
def test_hostile_text_is_searched_in_bounded_time(text: str) -> None:
    begin = time.process_time()
    masked(text)
    assert time.process_time() - begin < 1


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("mit", True),
        ("GPL-3.0-only", False),
        ("MIT OR GPL-3.0-only", True),
        ("MIT AND GPL-3.0-only", False),
        ("GPL-3.0-only OR MIT AND Apache-2.0", True),
        ("(GPL-3.0-only OR MIT) AND Apache-2.0", True),
        ("(GPL-3.0-only AND MIT) OR GPL-2.0-only", False),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("GPL-2.0-only WITH Classpath-exception-2.0", False),
        ("(MIT", True),
    ],
)
def test_licence_expressions_are_weighed(expression: str, allowed: bool) -> None:
    assert is_allowed(expression, ["MIT", "Apache-2.0"]) is allowed


def test_a_licence_is_read_from_the_header_alone() -> None:
    assert licence_of("# SPDX-License-Identifier: MIT\ncode") == "MIT"
    assert licence_of("/* SPDX-License-Identifier: MIT OR BSD-2-Clause */") == "MIT OR BSD-2-Clause"
    assert licence_of("code\n" * 40 + "# SPDX-License-Identifier: MIT") is None
