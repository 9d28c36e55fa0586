from dataclasses import replace

import pytest

from idiolect.ship.go_template import NotUnderstood, render_go
from idiolect.ship.ollama import CantTemplate, modelfile
from idiolect.ship.turns import SAMPLES, NotPieces, turns_of_form
from idiolect.student.prompt import conversation_text, formed, make_form
from tiny_models import tiny_tokenizer

SHAPES = ("llama", "qwen3", "gemma3", "plain")
FORMS = ({}, {"system": 'Say "{{ x }}".\nNo more.', "format": "Q: {input}\n({labels})", "labels": ("a", "b")})


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("settings", FORMS)
def test_a_form_as_pieces_says_what_its_template_says(shape: str, settings: dict):
    tokenizer = tiny_tokenizer(shape)
    form = make_form(tokenizer, **settings)
    turns = turns_of_form(tokenizer, form)
    assert len(SAMPLES) == 5
    for sample in SAMPLES:
        assert turns.text(sample) == conversation_text(formed(sample, form), tokenizer, form)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("settings", FORMS)
def test_a_modelfile_is_proven_for_every_family(shape: str, settings: dict):
    tokenizer = tiny_tokenizer(shape)
    form = make_form(tokenizer, **settings)
    text, notes = modelfile(tokenizer, form, "m.gguf", {"temperature": 0, "stop": ("\nUser:",)})
    assert "FROM ./m.gguf\n" in text
    assert f'PARAMETER stop "{form.stop}"' in text
    assert 'PARAMETER stop """\nUser:"""' in text
    assert "PARAMETER temperature 0\n" in text
    assert ("SYSTEM" in text) == bool(form.system)
    assert bool(notes) == (not settings and shape in ("llama", "gemma3"))  # whose templates strip


def test_the_beginning_that_llama_cpp_puts_there_by_itself_is_left_to_it():
    for shape, left in (("llama", False), ("gemma3", False), ("qwen3", True)):
        tokenizer = tiny_tokenizer(shape)
        text, _ = modelfile(tokenizer, make_form(tokenizer), "m.gguf", {})
        assert "<|begin_of_text|>" not in text
        assert "<bos>" not in text
        assert ("<|im_start|>user" in text) == left


@pytest.mark.parametrize(
    ("content", "why"),
    [("{{ m.content }}{{ '!' if loop.index > 3 }}", "says more"), ("{{ m.content | upper }}", "leaves out")],
)
def test_a_template_that_says_more_than_turns_is_refused(content: str, why: str):
    tokenizer = tiny_tokenizer("qwen3")
    template = "{% for m in messages %}{{ m.role }}: " + content + "<|im_end|>\n{% endfor %}"
    form = replace(make_form(tokenizer), template=template)
    with pytest.raises(NotPieces, match=why):
        turns_of_form(tokenizer, form)
    with pytest.raises(CantTemplate, match=why):
        modelfile(tokenizer, form, "m.gguf", {})


def test_our_renderer_knows_the_subset_and_refuses_the_rest():
    said = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    template = (
        '{{ $s := .System }}{{ range .Messages }}{{ if eq .Role "user" }}<{{ if $s }}{{ $s }}!{{ $s = "" }}'
        '{{ end }}{{ .Content }}>{{ else if eq .Role "assistant" }}[{{ .Content }}]{{ else }}?{{ end }}'
        "{{ end }}"
    )
    assert render_go(template, "S", said + said) == "<S!a>[b]<a>[b]"
    assert render_go('{{ "{{" }} x', "", ()) == "{{ x"
    for odd in (
        "{{- .System }}",
        "{{ .Tools }}",
        "{{ len .Messages }}",
        "{{ if .System }}",
        "{{ end }}",
        "{{ $x }}",
    ):
        with pytest.raises(NotUnderstood):
            render_go(odd, "s", said)
