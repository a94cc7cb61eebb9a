"""Sentences that can be told in another language, and the table by which the panels translate them."""

from __future__ import annotations

import ast
import pickle
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

from AnnotationQACore.errors import AnnotationQAError, InputError
from AnnotationQACore.wording import worded

GERMAN = {
    "{title}: {what} is {value:.2f} {unit}.": "{title}: {what} beträgt {value:.2f} {unit}.",
    "its volume": "das Volumen",
}


def test_parts_of_a_sentence_are_translated_and_values_are_not() -> None:
    volume = worded("its volume")
    wording = worded("{title}: {what} is {value:.2f} {unit}.", title="its volume", what=volume, value=2.0, unit="ml")
    assert str(wording) == "its volume: its volume is 2.00 ml."
    assert wording.told(lambda template: GERMAN.get(template, template)) == "its volume: das Volumen beträgt 2.00 ml."


def test_braces_in_a_value_are_no_fields() -> None:
    assert str(worded("{title}: is not answered.", title="{unit} {0}")) == "{unit} {0}: is not answered."


def test_an_error_tells_its_wording_as_before() -> None:
    error = InputError(worded("case '{case}': cannot be read.", case="c-1"))
    assert str(error) == "case 'c-1': cannot be read."
    assert error.wording is not None
    assert error.wording.template == "case '{case}': cannot be read."
    again = pickle.loads(pickle.dumps(error))  # as from another process
    assert (str(again), again.wording) == (str(error), error.wording)
    assert AnnotationQAError("plain").wording is None
    assert AnnotationQAError().wording is None


def test_every_template_stands_in_the_table_of_the_panels(repository: Path) -> None:
    module = repository / "AnnotationQA"
    used = {
        template
        for package in ("AnnotationQACore", "AnnotationQALib")
        for path in sorted((module / package).rglob("*.py"))
        for template in worded_in(ast.parse(path.read_text(encoding="utf-8")), path)
    }
    table = module / "AnnotationQALib" / "widgets" / "wordings.py"
    marked = [
        call.args[0].value
        for call in calls(ast.parse(table.read_text(encoding="utf-8")), "_")
        if isinstance(call.args[0], ast.Constant)
    ]
    assert len(used) > 50
    assert sorted(used) == sorted(marked)


def test_every_template_names_its_fields(repository: Path) -> None:
    for package in ("AnnotationQACore", "AnnotationQALib"):
        for path in sorted((repository / "AnnotationQA" / package).rglob("*.py")):
            for call in calls(ast.parse(path.read_text(encoding="utf-8")), "worded"):
                if isinstance(call.args[0], ast.Constant):
                    fields = {name for _, name, _, _ in Formatter().parse(str(call.args[0].value)) if name is not None}
                    assert fields == {keyword.arg for keyword in call.keywords}, f"{path}:{call.lineno}"


def calls(tree: ast.AST, function: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function:
            yield node


def worded_in(tree: ast.Module, path: Path) -> Iterator[str]:
    """Templates of all calls of `worded`: a literal, or a variable of the same function that holds one."""
    scopes = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    for scope in (tree, *scopes):
        held = {
            (target.id, text)
            for node in ast.walk(scope)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
            for text in literals(node.value)
        }
        for call in calls(scope, "worded"):
            first = call.args[0]
            found = {text for name, text in held if isinstance(first, ast.Name) and name == first.id}
            found |= set(literals(first))
            assert found, f"{path}:{call.lineno}: give worded() a literal, or a variable that holds one"
            if scope is not tree or not isinstance(first, ast.Name):
                yield from found


def literals(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from literals(node.body)
        yield from literals(node.orelse)
