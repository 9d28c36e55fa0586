import pytest
from serving import SCHEMA, Running, answering, student

from idiolect.dialects.contract import Context


@pytest.fixture(scope="session")
def tiny():
    return student()


@pytest.fixture(scope="session")
def trees(tiny, tmp_path_factory):
    """A server of JSON trees, with a log of prompts."""
    from idiolect.dialects.json_ast.dialect import JsonAst

    folder = tmp_path_factory.mktemp("trees")
    opened = answering(tiny, dialect=JsonAst(), project=Context(schema=SCHEMA))
    made = Running(opened, state=folder, log_prompts=folder / "prompts.jsonl").start()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def free(tiny, tmp_path_factory):
    """A server without a language."""
    made = Running(answering(tiny), state=tmp_path_factory.mktemp("free")).start()
    yield made
    made.stop()
