"""Constraints over the kinds of tokenizers: spelling, forced tokens, slices, going back, limits, messages."""

from __future__ import annotations

import random

import pytest
from decoding import endless, lists

from idiolect.decode.constraint import constrain, constraint_of
from idiolect.decode.masks import allowed_tokens, apply_mask, is_allowed
from idiolect.decode.slices import slices_of
from idiolect.decode.trouble import DecodeError
from idiolect.decode.vocabulary import vocabulary_of
from idiolect.dialects.catalog import Catalog, Proc
from idiolect.dialects.contract import Context
from idiolect.dialects.registry import load_dialect
from idiolect.grammar.form import chars, grammar, ref, seq, times
from idiolect.grammar.from_catalog import name_tree
from idiolect.grammar.replay import replay
from tiny_models import tiny_tokenizer


def fallback_tokenizer(prefixed: bool):
    """A SentencePiece-like tokenizer with byte fallback, as Gemma has it; `prefixed` as Llama 2."""
    from tokenizers import Tokenizer, decoders, models, normalizers
    from transformers import PreTrainedTokenizerFast

    words = ["▁", *'abcdefghijklmnopqrstuvwxyz0123456789{}[]":,', "na", "me", "name", '":', "▁a", '{"']
    tokens = ["<pad>", "</s>", "<unk>", *(f"<0x{number:02X}>" for number in range(256)), *words]
    merges = [("n", "a"), ("m", "e"), ("na", "me"), ('"', ":"), ("▁", "a"), ("{", '"')]
    made = Tokenizer(
        models.BPE(
            {token: at for at, token in enumerate(tokens)}, merges, unk_token="<unk>", byte_fallback=True
        )
    )
    spaces = normalizers.Replace(" ", "▁")
    made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), spaces]) if prefixed else spaces
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    made.decoder = decoders.Sequence([*steps, decoders.Strip(" ", 1, 0)] if prefixed else steps)
    return PreTrainedTokenizerFast(
        tokenizer_object=made, eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    )


def pieces_tokenizer():
    """A SentencePiece unigram tokenizer without byte fallback, as T5 has it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    pieces = [
        ("<pad>", 0.0),
        ("</s>", 0.0),
        ("<unk>", 0.0),
        *((one, -2.0) for one in "▁abcdefghij0123456789,"),
    ]
    made = Tokenizer(models.Unigram(pieces, unk_id=2))
    made.pre_tokenizer, made.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    return PreTrainedTokenizerFast(
        tokenizer_object=made, eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    )


TOKENIZERS = {
    "byte level": lambda: tiny_tokenizer("llama"),
    "byte fallback": lambda: fallback_tokenizer(False),
    "byte fallback, prefixed": lambda: fallback_tokenizer(True),
}


def walked(guide, rng, most=400):
    """A random text token by token, or None where it did not end."""
    vocabulary = guide.constraint.vocabulary
    for _ in range(most):
        if guide.over:
            break
        forced = guide.forced()
        if forced:
            guide.take(forced)
            continue
        token = int(rng.choice(allowed_tokens(guide.mask(), vocabulary.size)))
        if token in vocabulary.stops:
            break
        guide.take([token])
    else:
        return None
    return vocabulary.decode(guide.ids).decode("utf-8")


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_random_tokens_make_texts_of_the_language(kind):
    vocabulary = vocabulary_of(TOKENIZERS[kind]())
    assert vocabulary.spells_all
    rng = random.Random(1)
    constraint = constrain(lists(), vocabulary)
    texts = [walked(constraint.begin(), rng) for _ in range(40)]
    done = [text for text in texts if text is not None]
    assert len(done) > 20
    assert all(replay(lists(), text).accepted for text in done)


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_good_texts_go_through_in_their_usual_tokens(kind):
    vocabulary = vocabulary_of(TOKENIZERS[kind]())
    constraint = constrain(lists(), vocabulary)
    for text in ('{"items":[12,"a b",[3],{"name":"name a"}]}', '{"items":["q"]}'):
        guide = constraint.begin()
        ids = vocabulary.encode(text)
        forced = 0
        while len(guide.ids) < len(ids):
            rest = ids[len(guide.ids) :]
            chunk = guide.forced()
            assert chunk == rest[: len(chunk)]
            forced += len(chunk)
            assert chunk or is_allowed(guide.mask(), rest[0])
            guide.take(chunk or rest[:1])
        assert guide.whole
        assert forced >= 4


def test_a_tokenizer_that_lacks_characters_is_told_which():
    vocabulary = vocabulary_of(pieces_tokenizer())
    assert vocabulary.decode(vocabulary.encode("ab, c")).strip() == b"ab, c"
    numbers = grammar("start", {"start": seq(ref("N"), ",", ref("N"))}, {"N": times(chars("0-9"), 1, 3)})
    assert constrain(numbers, vocabulary)
    with pytest.raises(DecodeError, match=r"no tokens for '\"' ':' ") as caught:
        constrain(lists(), vocabulary)
    assert caught.value.problem.code == "L711"
    assert "byte" in caught.value.help


def test_masks_become_logits_by_the_table():
    import torch

    vocabulary = vocabulary_of(tiny_tokenizer("qwen3"), rows=515)  # a head with more rows than tokens
    guide = constrain(lists(), vocabulary).begin()
    guide.take(guide.forced())
    mask = guide.mask()
    logits = torch.randn(515)
    found = apply_mask(logits, mask)
    allowed = set(allowed_tokens(mask, 515).tolist())
    assert allowed
    for token in range(515):
        assert is_allowed(mask, token) == (token in allowed)
        assert float(found[token]) == (float(logits[token]) if token in allowed else float("-inf"))


def test_going_back_and_copies_leave_the_text_as_it_was():
    vocabulary = vocabulary_of(tiny_tokenizer("llama"))
    guide = constrain(lists(), vocabulary).begin()
    ids = vocabulary.encode('{"items":[12,"a é')[:6]
    guide.take(ids)
    mask = guide.mask()
    twin = guide.copy()
    twin.take(vocabulary.encode("7"))
    assert guide.mask() == mask
    more = vocabulary.encode('7,"x')
    guide.take(more)
    assert guide.closing() is not None
    guide.back_to(len(ids))
    assert guide.mask() == mask
    ending = guide.closing()
    guide.take(ending)
    assert guide.whole


def test_endings_are_found_at_every_place_and_never_inside_of_a_character():
    vocabulary = vocabulary_of(tiny_tokenizer("llama"))
    made = grammar("start", {"start": seq("<", ref("T"), ">")}, {"T": times(chars("é"), 1, 20)})
    guide = constrain(made, vocabulary).begin()
    guide.take(vocabulary.encode("<éé"))
    places = [guide.closing(count) for count in range(len(guide.ids) + 1)]
    assert None in places
    assert places[-1] == vocabulary.encode(">")
    assert vocabulary.decode(places[0]) == "<é>".encode()


def test_constraints_are_kept_by_content():
    vocabulary = vocabulary_of(tiny_tokenizer("llama"))
    assert constrain(lists(), vocabulary) is constrain(lists(), vocabulary)
    assert constrain(lists(), vocabulary) is not constrain(endless(), vocabulary)


def test_slices_come_from_the_grammars_own_lexemes():
    assert slices_of(lists()) == (r"[ a-z]{1,10}", r"[ a-z]{1,30}")
    assert slices_of(endless()) == ("[A-Z_a-z]{1,10}", "[A-Z_a-z]{1,30}", "[A-Z_a-z]+")


UNUSABLE = [
    ({"type": "integer", "minimum": 5, "maximum": 3}, "exclude each other"),
    ({"$ref": "#/nope"}, "can't be found"),
    (None, "no JSON Schema"),
]


@pytest.mark.parametrize(("schema", "said"), UNUSABLE)
def test_schemas_that_nothing_fits_are_told(schema, said):
    vocabulary = vocabulary_of(tiny_tokenizer("llama"))
    with pytest.raises(DecodeError, match=said) as caught:
        constraint_of(load_dialect("json_ast"), Context(schema=schema), vocabulary)
    assert caught.value.problem.code == "L710"


def test_left_recursion_is_decoded_and_an_undefined_rule_is_told():
    from idiolect.grammar.form import GrammarError, choice

    vocabulary = vocabulary_of(tiny_tokenizer("llama"))
    made = grammar("start", {"start": choice("1", seq(ref("start"), "+1"))})
    assert walked(constrain(made, vocabulary).begin(), random.Random(3)).startswith("1")
    with pytest.raises(GrammarError, match="nobody"):
        grammar("start", {"start": seq("a", ref("nobody"))})


def named(count):
    """A catalog of so many procs with names of three parts."""
    rng = random.Random(1)
    words = ["net", "port", "vlan", "cell", "pin", "wire", "clock", "power", "area", "rule", "layer", "mask"]
    names = sorted({"::".join(rng.choices(words, k=3)) + f"_{number}" for number in range(count)})
    return Catalog(procs=tuple(Proc(name=name) for name in names))


@pytest.mark.parametrize("count", [2_000, pytest.param(20_000, marks=pytest.mark.slow)])
def test_large_catalogs_are_decoded(count):
    catalog = named(count)
    vocabulary = vocabulary_of(tiny_tokenizer("llama"))
    rules = {}
    tree = name_tree(dict.fromkeys((proc.name for proc in catalog.procs), seq("\n")), "n", rules)
    constraint = constrain(grammar("start", {"start": tree, **rules}), vocabulary)
    names = {proc.name for proc in catalog.procs}
    for seed in range(20):
        assert walked(constraint.begin(), random.Random(seed)).strip() in names
    guide = constraint_of(load_dialect("tcl"), Context(catalog=catalog), vocabulary).begin()
    guide.take(vocabulary.encode(catalog.procs[7].name[:9]))
    assert len(allowed_tokens(guide.mask(), vocabulary.size)) >= 1


@pytest.mark.slow
def test_a_catalog_of_50_000_is_told_and_its_context_packs_are_decoded():
    from idiolect.decode.opened import retriever_of

    catalog = named(50_000)
    vocabulary = vocabulary_of(tiny_tokenizer("llama"))
    with pytest.raises(DecodeError, match="65,000 symbols") as caught:
        constraint_of(load_dialect("tcl"), Context(catalog=catalog), vocabulary)
    assert "context pack" in caught.value.help
    wanted = catalog.procs[777].name
    pack = retriever_of(catalog)(f"call {wanted} once")
    assert wanted in pack.names
    constraint = constraint_of(load_dialect("tcl"), Context(catalog=pack.catalog), vocabulary)
    assert constraint.shortest == 0


def test_names_are_used_only_after_they_were_declared():
    from decoding import messages, student

    from idiolect.decode.generate import Generator
    from idiolect.decode.guard import unknown_names
    from idiolect.decode.records import Request, Sampling

    gates = load_dialect("gates")
    generator = Generator(student("llama"))
    requests = [Request(messages("x"), grammar=gates.constraint(), candidates=12)]
    sampled = generator.generate(requests, Sampling(max_tokens=90, temperature=1.0, top_k=200))
    greedy = generator.generate(requests, Sampling(max_tokens=60, beams=2))
    verdicts = [gates.verify(answer.text) for row in (*sampled, *greedy) for answer in row]
    assert len(verdicts) > 12
    assert all(verdict.parsed for verdict in verdicts)
    assert not [verdict for verdict in verdicts if unknown_names(verdict)]
