"""Judges texts by XGrammar: one JSON line {grammar, texts} in, one line {accepted} or {error} out."""

import json
import sys
import warnings

warnings.simplefilter("ignore")

import xgrammar  # noqa: E402
from xgrammar.testing import _is_grammar_accept_string  # noqa: E402

for line in sys.stdin:
    asked = json.loads(line)
    try:
        compiled = xgrammar.Grammar.from_ebnf(asked["grammar"])
        answer = {"accepted": [_is_grammar_accept_string(compiled, text) for text in asked["texts"]]}
    except RuntimeError as error:
        answer = {"error": str(error)}
    print(json.dumps(answer), flush=True)
