"""What a user's dialect does with texts: canonical form, mutants, descriptions, names in sources."""

import random
import time

import pytest
from user_dialects import load, write

from idiolect.dialects.catalog import Arg, Catalog, Proc
from idiolect.dialects.contract import EMPTY, Context, NotOffered, offers
from idiolect.dialects.policy import Forbidden, Policy
from idiolect.dialects.user.problems import BadDialect
from idiolect.grammar.replay import replay

LONG = "select id,total from orders where(id=3 or id in(1,2))and not total<5 order by id asc;"


def test_the_canonical_form_has_the_spaces_of_the_settings(shopsql):
    assert shopsql.canonical(LONG + "select * from products ;") == (
        "select id, total from orders where (id = 3 or id in (1, 2)) and not total < 5 order by id asc;\n"
        "select * from products;\n"
    )


def test_the_canonical_form_is_its_own(shopsql, unitfile):
    unit = "\n\n[Unit]\nAfter  =   x   y # why\n\n\n\n"
    for dialect, text in ((shopsql, LONG), (unitfile, unit)):
        written = dialect.canonical(text)
        assert dialect.canonical(written) == written
        assert dialect.verify(written).ok
    assert unitfile.canonical(unit) == "\n[Unit]\nAfter=x y\n"


def test_comments_are_kept_where_they_stood(shopsql):
    text = "-- first\n-- second\nselect id -- the key\nfrom orders; -- done\n-- end"
    written = shopsql.canonical(text)
    assert written == "-- first\n-- second\nselect id -- the key\nfrom orders; -- done\n-- end\n"
    assert shopsql.canonical(written) == written


def test_comments_are_dropped_unless_the_settings_keep_them(tmp_path):
    grammar = 'start: ("on" | "off")+\nC: /#[^\\n]*/\n%ignore C\n%ignore /\\s+/\n'
    settings = 'name = "toy"\n[comments]\nline = "#"\n'
    dialect = load(write(tmp_path / "toy", {"grammar.lark": grammar, "dialect.toml": settings}))
    assert dialect.canonical("on # why\noff") == "on off\n"
    dialect.close()


def test_spaces_that_part_two_tokens_stay(tmp_path):
    grammar = 'start: (NAME | "-" | "->" | ">")+\nNAME: /[a-z]+/\n%ignore " "\n'
    settings = 'name = "toy"\n[canonical]\nspace = "needed"\n'
    dialect = load(write(tmp_path / "toy", {"grammar.lark": grammar, "dialect.toml": settings}))
    assert dialect.canonical("a  b - c  -> d - > e") == "a b-c->d- >e"
    dialect.close()


def test_a_style_that_would_change_the_text_is_not_followed(tmp_path):
    grammar = 'start: (A | B)+\nA: "a"\nB.2: "aa"\n%ignore " "\n'
    settings = 'name = "toy"\n[canonical]\nno_space_before = ["A"]\n'
    dialect = load(write(tmp_path / "toy", {"grammar.lark": grammar, "dialect.toml": settings}))
    assert dialect.canonical("a  a   aa") == "a a aa"
    dialect.close()


def test_what_does_not_parse_has_no_canonical_form(shopsql):
    with pytest.raises(ValueError, match=r"1:8: unexpected"):
        shopsql.canonical("select , from orders;")


def test_mutants_have_a_kind_and_are_never_right(shopsql):
    policy = Policy(forbidden=(Forbidden(name="country"),))
    text = "select id from customers where (email <> 'x' or id < 100); delete from orders where id = 1;"
    context = Context(policy=policy)
    kinds = set()
    for seed in range(300):
        mutant = shopsql.mutate(text, random.Random(seed), context)
        verdict = shopsql.verify(mutant.text, context)
        assert verdict.judged
        assert not verdict.ok
        assert mutant.syntax == (verdict.parsed is False)
        kinds.add(mutant.kind)
    assert kinds == {
        "token_deleted",
        "token_doubled",
        "tokens_swapped",
        "token_replaced",
        "keyword_misspelt",
        "bracket_dropped",
        "bracket_added",
        "truncated",
        "string_unclosed",
        "foreign_character",
        "unknown_name",
        "forbidden_word",
    }


def test_the_same_seed_makes_the_same_mutant(unitfile):
    text = "[Unit]\nAfter = x\n"
    assert unitfile.mutate(text, random.Random(5)) == unitfile.mutate(text, random.Random(5))


def test_a_text_that_does_not_parse_has_no_mutant(shopsql):
    assert shopsql.mutate("select", random.Random(1)) is None


def test_templates_say_what_a_text_does(tmp_path):
    grammar = (
        'start: step+\nstep: "go" N -> go | "turn" SIDE -> turn | "twice" "(" step+ ")" -> twice\n'
        'N: /[0-9]+/\nSIDE: "left" | "right"\n%ignore " "\n'
    )
    settings = (
        'name = "toy"\n[describe]\ngo = "go {N} steps"\nturn = "turn {SIDE}"\ntwice = "do twice: {step}"\n'
    )
    dialect = load(write(tmp_path / "toy", {"grammar.lark": grammar, "dialect.toml": settings}))
    text = "go 3 twice ( turn left twice ( go 1 ) go 2 )"
    assert dialect.describe(text) == ("Go 3 steps. Do twice: turn left, do twice: go 1 steps, go 2 steps.")
    deep = "twice ( " * 3_000 + "go 1" + " )" * 3_000
    assert dialect.describe(deep).endswith("go 1 steps.")
    dialect.close()


def test_what_a_folder_lacks_is_not_offered(unitfile, shopsql):
    assert [offers(unitfile, part) for part in ("run", "describe", "extract")] == [False, False, True]
    assert offers(shopsql, "describe")
    with pytest.raises(NotOffered, match="no simulator"):
        unitfile.run("", {})
    with pytest.raises(NotOffered, match="templates"):
        unitfile.describe("[Unit]\nAfter = x\n")


def test_names_in_sources_become_a_catalog(shopsql, tmp_path):
    path = tmp_path / "a.shopsql"
    path.write_text("select weight, id from parcels; select id from orders;")
    catalog = shopsql.extract([path])
    assert [(proc.name, proc.kind) for proc in catalog.procs] == [("orders", "table"), ("parcels", "table")]
    path.write_text("select")
    with pytest.raises(ValueError, match=r"a\.shopsql"):
        shopsql.extract([path])


def test_a_text_tells_which_productions_it_uses(shopsql):
    used = shopsql.productions_of("select * from orders;")
    assert 'columns: "*"' in used
    assert not any(name.startswith("delete") for name in used)
    assert used < set(shopsql.productions)
    assert not any(name.startswith("__") for name in shopsql.productions)


def accepts(dialect, text, context=EMPTY):
    return replay(dialect.constraint(context), text).accepted


def test_the_constraint_knows_names_and_forbidden_words(shopsql):
    assert accepts(shopsql, "select id from orders;\n")
    assert not accepts(shopsql, "select id from oders;\n")
    assert not accepts(shopsql, "select  id from orders;\n"), "the spaces are the canonical ones"
    assert not accepts(shopsql, "insert into orders (id) values (1);\n"), "forbidden by the folder's policy"
    open_policy = Context(policy=Policy())
    assert accepts(shopsql, "insert into orders (id) values (1);\n", open_policy)
    no_orders = Context(policy=Policy(forbidden=(Forbidden(name="orders"),)))
    assert not accepts(shopsql, "select id from orders;\n", no_orders)
    catalog = Catalog(procs=(Proc(name="staff", kind="table", args=(Arg(name="id"),)),))
    assert accepts(shopsql, "select id from staff;\n", Context(catalog=catalog))


def test_the_constraint_has_comments_only_where_they_are_kept(shopsql, unitfile):
    assert accepts(shopsql, "-- why\nselect id -- the key\nfrom orders;\n")
    assert not accepts(shopsql, "select id -- the key from orders;\n")
    assert not accepts(unitfile, "# why\n[Unit]\nAfter=x\n")
    assert accepts(unitfile, "[Unit]\nAfter=x\n")


def test_a_catalog_without_names_for_a_rule_leaves_that_rule_out(shopsql):
    catalog = Catalog(procs=(Proc(name="staff", kind="table"),))
    context = Context(catalog=catalog)
    assert accepts(shopsql, "select * from staff;\n", context)
    assert not accepts(shopsql, "select id from staff;\n", context)


def test_a_name_that_is_a_keyword_at_its_place_can_not_be_written(tmp_path):
    settings = 'name = "toy"\n[catalog]\nuses = { lamp = "procs" }\n'
    grammar = 'start: "on" lamp+ ("off" lamp)? ";"\nlamp: NAME\nNAME: /[a-z]+/\n%ignore " "\n'
    catalog = '{"procs": [{"name": "desk"}, {"name": "off"}, {"name": "Hall 3"}]}'
    files = {"dialect.toml": settings, "grammar.lark": grammar, "catalog.json": catalog}
    dialect = load(write(tmp_path / "toy", files))
    for text in ("on desk;", "on desk off;", "on desk off desk;", "on Hall 3;", "on desk desk;"):
        assert dialect.verify(text).ok == accepts(dialect, text), text
    # here the two differ on the safe side: one rule stands both where "off" is a keyword and where it is not
    assert dialect.verify("on off;").ok
    assert not accepts(dialect, "on off;")
    dialect.close()


def test_a_policy_that_forbids_what_every_text_needs_is_a_problem(tmp_path):
    dialect = load(write(tmp_path / "toy", {"policy.toml": 'forbidden = ["on"]\n'}))
    with pytest.raises(BadDialect, match="leaves no text"):
        dialect.constraint()
    with pytest.raises(NotOffered, match="leaves no text"):
        dialect.sample(random.Random(1))
    dialect.close()


def test_thousands_of_names_make_a_constraint_in_time(shopsql):
    names = [f"{kind}_{number}_t" for kind in ("raw", "clean") for number in range(2_500)]
    catalog = Catalog(procs=tuple(Proc(name=name, kind="table", args=(Arg(name="id"),)) for name in names))
    started = time.monotonic()
    context = Context(catalog=catalog)
    assert accepts(shopsql, "select id from clean_1234_t;\n", context)
    assert not accepts(shopsql, "select id from clean_9999_t;\n", context)
    assert time.monotonic() - started < 10


def test_samples_verify_and_come_by_level(shopsql):
    lengths = {}
    for level in ("micro", "multi", "scenario"):
        made = [shopsql.sample(random.Random(seed), Context(level=level)) for seed in range(12)]
        assert all(shopsql.verify(one.text).ok for one in made)
        assert all(shopsql.canonical(one.text) == one.text for one in made)
        assert all(one.level == level and one.productions and one.description for one in made)
        lengths[level] = sum(len(one.text) for one in made)
    assert lengths["micro"] < lengths["multi"] < lengths["scenario"]
    assert shopsql.sample(random.Random(3)) == shopsql.sample(random.Random(3))
