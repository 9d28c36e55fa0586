"""One pipeline: the best candidate, repairs, CONTROL, GUARD and BEHAVIOR, each action with its reason."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from decoding import lists, student

from idiolect.decode.guard import GuardKeeper, toxic
from idiolect.decode.pipeline import Pipeline, Question, pipeline_of, sampling_of
from idiolect.decode.records import Answer, Sampling
from idiolect.decode.rules import decide, inference_rules
from idiolect.decode.signals import label_of, repetition
from idiolect.dialects.contract import Context, Dialect
from idiolect.dialects.verdict import Fault, verdict_of
from idiolect.okt.check import check_text
from idiolect.plan.resolve import resolve
from idiolect.source import Span

EMPTY_PLAN = """PROJECT "x"
MODEL { base: "nano" }
"""


def plan(text):
    checked = check_text(EMPTY_PLAN + text, "x.okt")
    assert not checked.errors, checked.errors
    return resolve(checked, root=Path())


class Scripted:
    """An engine that gives the answers it was told to, and remembers what it was asked."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def generate(self, requests, sampling, *, on_piece=None):
        found = []
        for request in requests:
            self.asked.append((request, sampling))
            row = []
            for _ in range(request.candidates):
                one = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                row.append(one if isinstance(one, Answer) else Answer(one, "stop", (1,), 1, -1.0))
            found.append(row)
        return found


class Lines(Dialect):
    """A toy language: lines of lower-case words; a line that names `bad` is wrong."""

    name = "lines"

    def verify(self, text, context=None):
        faults = []
        place = 0
        for line in text.splitlines(keepends=True):
            at = line.find("bad")
            if at >= 0:
                faults.append(
                    Fault("lines.name.unknown", "there is no bad", Span(place + at, place + at + 3))
                )
            place += len(line)
        return verdict_of(faults, policy_asked=False)

    def constraint(self, context=None):
        return lists()

    def canonical(self, text, context=None):
        return text


def test_the_best_verdict_wins_and_then_the_likeliest():
    engine = Scripted(
        Answer("bad\n", "stop", (1,), 1, -0.1),
        Answer("good one\n", "stop", (1,), 1, -3.0),
        Answer("good two\n", "stop", (1, 2), 2, -4.0),
    )
    outcome = Pipeline(engine, dialect=Lines()).ask(Question("x", candidates=3))
    assert outcome.text == "good two\n"
    assert outcome.valid
    assert outcome.good_candidates == 2


def test_a_fault_is_mended_at_its_statement_and_shown_to_the_model():
    engine = Scripted("one\nbad two\nthree\n", "one\ngood two\nthree\n")
    outcome = Pipeline(engine, dialect=Lines()).ask(Question("x"))
    request = engine.asked[1][0]
    assert request.begun == "one\n"
    assert request.barred == {"bad"}
    assert "there is no bad" in request.messages[-1]["content"]
    assert outcome.valid
    assert outcome.repairs == 1
    assert outcome.actions[0].what == "repair"


def test_repairs_are_bounded_and_what_stays_wrong_is_said():
    engine = Scripted("bad\n")
    outcome = Pipeline(engine, dialect=Lines(), most_repairs=2).ask(Question("x"))
    assert outcome.valid is False
    assert outcome.repairs == 2
    assert len(engine.asked) == 3


CONTROLS = [
    ("IF confidence < 0.3 { RETRY }", {"confidence": 0.2}, "RETRY"),
    ("IF confidence < 0.3 { RETRY }", {"confidence": 0.4}, None),
    ("IF confidence < 30% { RETRY }", {"confidence": 0.2}, "RETRY"),
    ("WHEN repetition > 3 { REGENERATE }", {"repetition": 4}, "REGENERATE"),
    ('IF toxic == true { REPLACE WITH "no" }', {"toxic": True}, "REPLACE"),
    ('IF toxic == true { REPLACE WITH "no" }', {}, None),
    ('IF length > 10 AND confidence < 0.5 { RETURN "short" }', {"length": 20, "confidence": 0.1}, "RETURN"),
    ('IF length > 10 AND confidence < 0.5 { RETURN "short" }', {"length": 20, "confidence": 0.9}, None),
    ('IF label == "complaint" { RETURN "sorry" }', {"label": "Complaint"}, "RETURN"),
    ("IF confidence < 0.5 { LOG confidence STOP }", {"confidence": 0.1}, "STOP"),
]


@pytest.mark.parametrize(("rule", "signals", "settles"), CONTROLS)
def test_rules_of_inference_decide(rule, signals, settles):
    made = plan(f'INFERENCE {{ mode: "chat" CONTROL {{ {rule} }} }}')
    assert decide(inference_rules(made.inference.control), signals).settles == settles


def test_what_rules_can_not_do_is_noted_and_not_done():
    rules = "IF hallucination_score > 0.5 { RETRY } SET colour = 3 SET temperature = 9 SAVE model"
    made = plan(f'INFERENCE {{ mode: "chat" CONTROL {{ {rules} }} }}')
    wanted = decide(inference_rules(made.inference.control), {"confidence": 0.9})
    assert wanted.settles is None
    assert wanted.changes == {}
    told = " ".join(wanted.notes)
    assert all(word in told for word in ("hallucination_score", "colour", "can't be 9", "SAVE"))


def test_retry_sets_settings_and_falls_back_after_three_attempts():
    engine = Scripted(Answer("maybe", "stop", (1,), 1, -3.0, confidence=0.1))
    made = plan(
        'INFERENCE { mode: "chat" params { temperature: 0.5 }\n'
        " CONTROL { IF confidence < 0.3 { SET temperature = 0.9 RETRY } } }\n"
        'BEHAVIOR { fallback: "I do not know." }'
    )
    outcome = pipeline_of(made, engine).ask(Question("x"))
    assert outcome.text == "I do not know."
    assert outcome.attempts == 3
    assert [sampling.temperature for _, sampling in engine.asked] == [0.5, 0.9, 0.9]
    assert len({request.seed for request, _ in engine.asked}) == 3
    assert outcome.actions[-1].what == "fallback"


def test_a_retry_that_could_only_repeat_itself_is_not_made():
    engine = Scripted(Answer("maybe", "stop", (1,), 1, -3.0, confidence=0.1))
    made = plan('INFERENCE { mode: "chat" CONTROL { IF confidence < 0.3 { RETRY } } }')
    outcome = pipeline_of(made, engine, sampling=Sampling(temperature=0)).ask(Question("x"))
    assert outcome.attempts == 1
    assert "the same settings give the same answer" in outcome.actions[-1].why


def test_regenerate_bars_the_answer_that_was_discarded():
    engine = Scripted(
        Answer("la la la la la", "stop", (1,), 1, -1.0), Answer("a song", "stop", (1,), 1, -1.0)
    )
    made = plan('INFERENCE { mode: "chat" CONTROL { IF repetition > 3 { REGENERATE } } }')
    outcome = pipeline_of(made, engine).ask(Question("x"))
    assert outcome.text == "a song"
    assert engine.asked[1][0].barred == {"la la la la la"}


def test_rules_on_answers_at_the_top_of_control_count_as_well():
    made = plan(
        'INFERENCE { mode: "intent" labels: ["buy", "refund"] format: "{input}" }\n'
        'CONTROL { IF label == "refund" { RETURN "One moment." } IF loss > 2 { LOG "x" } }'
    )
    outcome = pipeline_of(made, Scripted("refund")).ask(Question("money back"))
    assert outcome.text == "One moment."
    assert outcome.actions[0].why.startswith("label == refund")


def test_labels_are_the_only_answers_of_a_classifier():
    made = plan('INFERENCE { mode: "intent" labels: ["buy", "refund"] format: "{input}" }')
    from idiolect.decode.generate import Generator

    outcome = pipeline_of(made, Generator(student("llama"))).ask(Question("money back"))
    assert outcome.text in ("buy", "refund")


GUARDED = [
    ("toxicity", "You are a moron.", True),
    ("toxicity", "The moronic acid content", False),
    ("personal_data", "write to ada@example.org", True),
    ("personal_data", "card 4111 1111 1111 1111", True),
    ("personal_data", "order 4111 1111 1111 1112", False),
    ("data_leak", "key AKIAIOSFODNN7EXAMPLE", True),
    ("unsafe_code", "rm -rf / now", True),
    ("unsafe_code", "set x [expr {1 + 1}]", False),
    ("bias", "All immigrants are lazy", True),
    ("illegal_content", "how to make a bomb at home", True),
    ("illegal_content", "how to make a cake", False),
]


@pytest.mark.parametrize(("kind", "text", "hit"), GUARDED)
def test_the_guard_finds_what_it_says_it_finds(kind, text, hit):
    made = plan(f"GUARD {{ prevent {{ {kind} }} }}")
    found = GuardKeeper(made.guard).keep(text)
    assert bool(found.violations) == hit
    assert found.text == text  # ALERT, the default, changes nothing


@pytest.mark.parametrize(
    ("action", "message", "shown"),
    [
        ("STOP", "", ""),
        ("STOP", "No.", "No."),
        ("REPLACE", "I can't say that.", "I can't say that."),
        ("ALERT", "", "You moron."),
        ("LOG", "", "You moron."),
    ],
)
def test_a_violation_is_answered_as_the_script_says(action, message, shown):
    said = f'with_message: "{message}"' if message else ""
    made = plan(f"GUARD {{ prevent {{ toxicity }} on_violation {{ {action} {said} }} }}")
    outcome = pipeline_of(made, Scripted("You moron.")).ask(Question("x"))
    assert outcome.text == shown
    assert outcome.violations[0].kind == "toxicity"
    assert outcome.actions[-1].what == f"GUARD {action}"


def test_made_up_names_are_told_by_the_dialect_and_missing_detectors_are_named():
    made = plan('GUARD { prevent { hallucination } detect_using: ["classifier", "rule_engine"] }')
    pipeline = pipeline_of(made, Scripted("bad\n"), dialect=Lines())
    assert any("classifier is not available" in note for note in pipeline.notes)
    assert pipeline.ask(Question("x")).violations[0].kind == "hallucination"
    own = pipeline_of(made, Scripted("x"), detectors={"classifier": lambda text: ["hallucination"]})
    assert own.ask(Question("x")).violations[0].detector == "classifier"


def test_behavior_speaks_in_the_prompt_and_its_subjects_are_kept_away():
    engine = Scripted("Let us speak of politics.", "Let us speak of tea.")
    made = plan('BEHAVIOR { personality: "friendly" language: "fr" avoid: ["politics"] }')
    outcome = pipeline_of(made, engine, system="You help.").ask(Question("x"))
    assert outcome.text == "Let us speak of tea."
    system = engine.asked[0][0].messages[0]
    assert system["role"] == "system"
    assert system["content"].startswith("You help. Answer in a friendly tone. Answer in French.")


def test_what_is_retrieved_is_the_context_and_its_catalog_holds_the_answer():
    from idiolect.dialects.catalog import Catalog

    seen = []

    class Watching(Lines):
        def constraint(self, context=None):
            seen.append(context.catalog)
            return lists()

    small = Catalog()
    engine = Scripted("fine\n")
    pack = SimpleNamespace(text="- procs: my::route", catalog=small)
    pipeline = Pipeline(engine, dialect=Watching(), project=Context(), retrieve=lambda _: pack)
    outcome = pipeline.ask(Question("x"))
    assert engine.asked[0][0].context == outcome.context == "- procs: my::route"
    assert seen == [small]


def test_settings_of_a_script_and_their_overrides():
    made = plan(
        'INFERENCE { mode: "chat" max_tokens: 70 stop_sequences: ["END"]\n'
        " params { temperature: 0.4 top_k: 9 } }"
    )
    sampling = sampling_of(made.inference, temperature=0.0, seed=5)
    assert (sampling.max_tokens, sampling.temperature, sampling.top_k, sampling.seed) == (70, 0.0, 9, 5)
    assert sampling.stop_sequences == ("END",)
    assert not sampling.random


def test_signals():
    assert repetition("") == 0
    assert repetition("one two three") == 1
    assert repetition("go on go on go on now") == 3
    assert label_of("It is a Refund, not buy", ["buy", "refund"]) == "refund"
    assert label_of("nothing", ["buy"]) == ""
    assert toxic("What an IDIOT!")
