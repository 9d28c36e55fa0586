"""Small grammars, schemas and Lark files that several tests share."""

from __future__ import annotations

from idiolect.grammar.form import (
    Grammar,
    any_order,
    chars,
    choice,
    grammar,
    many,
    minus,
    one_of,
    ref,
    seq,
    some,
    times,
)

ARITHMETIC: Grammar = grammar(
    "start",
    rules={
        "start": many(ref("stmt")),
        "stmt": choice(seq(ref("NAME"), "=", ref("sum"), ";"), seq("print", ref("sum"), ";")),
        "sum": choice(ref("atom"), seq(ref("sum"), choice("+", "-", "++"), ref("atom"))),
        "atom": choice(
            ref("NAME"),
            ref("INT"),
            seq("-", ref("atom")),
            seq("(", ref("sum"), ")"),
            seq("[", any_order(required=["aa", "b"], optional=["c"], separator=","), "]"),
        ),
    },
    terminals={
        "NAME": minus(some(chars("a-z")), "print"),
        "INT": some(chars("0-9")),
        "WS": some(one_of(" \n")),
    },
    ignore=["WS"],
)

# Lexemes that run on into one another on purpose: longest match would lose most of this language.
TANGLED: Grammar = grammar(
    "s",
    rules={
        "s": some(choice(seq(ref("N"), ref("N")), "ab", "abc", seq("a", ref("t")), seq("x", ref("Z"), "!"))),
        "t": choice("bcd", seq("(", ref("s"), ")")),
    },
    terminals={"N": some(chars("a-c")), "Z": many(chars("é-ü"))},
)

FLAGS: Grammar = grammar(
    "s",
    rules={
        "s": seq(
            "do",
            any_order(
                required=[seq(" -id ", ref("INT"))], optional=[" -x", " -y", seq(" -n ", ref("N")), " -xz"]
            ),
            "\n",
        )
    },
    terminals={"N": minus(some(chars("a-z")), "if"), "INT": some(chars("0-9"))},
)

# Left recursion through another rule and behind an item that may be empty nowhere; bounded repeats.
MEMBERS: Grammar = grammar(
    "start",
    rules={
        "start": seq(ref("member"), times("!", 0, 2)),
        "member": choice(ref("call"), ref("index"), ref("N")),
        "call": seq(ref("member"), "(", many(ref("member"), ";"), ")"),
        "index": seq(ref("member"), "[", ref("member"), "]"),
    },
    terminals={"N": times(chars("a-z"), 1, 3)},
)

PICKS: Grammar = grammar(
    "start",
    rules={"start": seq("[", any_order(optional=list("abcde"), separator=",", least=2, most=3), "]")},
)

LARK_SCRIPT = r"""
start: stmt*
stmt: "print" expr ";" -> print_ | NAME "=" expr ";" | "if" expr block ("else" block)?
block: "{" stmt* "}"
?expr: sum | sum ("<"|"<="|"==") sum
?sum: product | sum "+" product | sum "-" product
?product: atom | product "*" atom | product "/" atom
?atom: NUMBER | "-" atom | NAME | "(" expr ")" | ESCAPED_STRING
NAME: /[a-z_][a-z0-9_]*/
COMMENT: /\/\/[^\n]*/
%import common.NUMBER
%import common.ESCAPED_STRING
%import common.WS
%ignore WS
%ignore COMMENT
"""

LARK_KEYWORDS = r"""
start: "print" NAME | NAME "=" INT | HEX "!" | "let"i NAME ":" type
type: "int" | "str" | NAME
NAME: /[a-z]+/
INT: /[0-9]+/
HEX.2: /[a-f]{2,}h/
%ignore " "
"""

LARK_TEMPLATES = r"""
start: list{item, ","} ~ 1..3
list{x, sep}: "[" (x (sep x)*)? "]"
item: WORD | INT ~ 2..3
WORD: /[a-z]+/
INT: /[0-9]+/
%ignore /\s+/
"""

LARK_BLOCKS = r"""
start: (_NL | stmt)*
?stmt: simple | compound
simple: expr _NL
compound: "if" expr ":" suite ["else" ":" suite] | "def" NAME "(" [NAME ("," NAME)*] ")" ":" suite
suite: simple | _NL _INDENT stmt+ _DEDENT
?expr: NAME | NAME "=" expr | INT
NAME: /[a-z]+/
INT: /[0-9]+/
_NL: /(\r?\n[\t ]*)+/
%declare _INDENT _DEDENT
%ignore " "
"""

LARK_LINES = r"""
start: row+
row: (INT | WORD | FLOAT) ("," (INT | WORD | FLOAT))* _NL
WORD: /[a-z]+/
INT: /[0-9]+/
FLOAT: /[0-9]+\.[0-9]*/
_NL: /\r?\n/
"""

LARK_FILES = {
    "script": LARK_SCRIPT,
    "keywords": LARK_KEYWORDS,
    "templates": LARK_TEMPLATES,
    "blocks": LARK_BLOCKS,
    "lines": LARK_LINES,
}
