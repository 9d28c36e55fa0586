"""What English and French ask of a noun in a sentence: articles, elision, endings that agree.

Only what the phrases of `phrases.toml` need. It does **not** know any vocabulary.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from idiolect.teachers.recipes.schema_ast.lexicon import Noun

_AN = re.compile(r"(?i)[aeio]|u(?!ni|se|s[ae])|hour|honest|SD\b|FR\b")
_ELIDED = re.compile(r"[aeiouyœh]")
_ASPIRATED = ("hauteur", "haut", "hub", "huit", "hors", "hockey", "héros", "onze", "yaourt", "yen", "yuan")


def english_slots(noun: Noun) -> Mapping[str, str]:
    """The slots that an English noun fills."""
    article = "" if noun.plural else "an " if _AN.match(noun.text) else "a "
    return {"l": noun.text, "a": article + noun.text}


def french_slots(noun: Noun) -> Mapping[str, str]:
    """The slots that a French noun fills."""
    text, plural = noun.text, noun.plural
    bare = "les" if plural else "la" if noun.feminine else "le"
    elided = not plural and elides(text)
    le = f"l'{text}" if elided else f"{bare} {text}"
    contracted = {"le": f"du {text}", "la": f"de la {text}", "les": f"des {text}"}[bare]
    ending = ("e" if noun.feminine else "") + ("s" if plural else "")
    return {
        "l": text,
        "le": le,
        "le0": bare,
        "du": f"de l'{text}" if elided else contracted,
        "de": of(text),
        "un": f"des {text}" if plural else f"une {text}" if noun.feminine else f"un {text}",
        "est": "sont" if plural else "est",
        "nt": "nt" if plural else "",
        "e": ending,
        "E": ("e" if noun.feminine else "") + ("s" if plural and noun.feminine else ""),
        "ne": ("ne" if noun.feminine else "") + ("s" if plural else ""),
        "s": "s" if plural else "",
    }


def of(text: str) -> str:
    """The text after French "de"."""
    return f"d'{text}" if elides(text) else f"de {text}"


def elides(text: str) -> bool:
    """Whether a French article loses its vowel before this text."""
    plain = unicodedata.normalize("NFD", text.casefold())
    return bool(_ELIDED.match(plain)) and not text.casefold().startswith(_ASPIRATED)


def agreeing(participle: str, noun: Noun) -> str:
    """A French participle in the plural, with the gender of a noun: "mis en ligne" keeps its tail."""
    head, space, tail = participle.partition(" ")
    plural = "" if head.endswith("s") and not noun.feminine else "s"
    return head + ("e" if noun.feminine else "") + plural + space + tail


def joined(texts: Sequence[str], last: str, comma: str = ", ") -> str:
    """Texts in a row: "a, b or c"."""
    return comma.join(texts[:-1]) + f" {last} {texts[-1]}" if len(texts) > 1 else texts[0]
