"""Every sentence of an error reaches the translators: `make locales` collects by the names of the classes that carry them."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("core", "models", "documents", "connectors", "schedules", "services", "workers", "console", "cli")


def test_errors_that_carry_a_sentence_are_collected() -> None:
    files = {path: path.read_text("utf-8") for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")}
    bases = {
        name: set(re.findall(r"\w+", above))
        for content in files.values()
        for name, above in re.findall(r"^\s*class (\w+)\(([^)]*)\)", content, re.MULTILINE)
    }
    ours = {"AvainError", "Message"}
    while more := {name for name, above in bases.items() if above & ours} - ours:
        ours |= more
    collected = set(
        re.findall(r"(\w+):1", (ROOT / "Makefile").read_text("utf-8").partition("KEYWORDS :=")[2].partition("\n")[0])
    )
    # parsing all of them takes seconds: those that name one of them are enough
    named = re.compile(r"\b(?:" + "|".join(sorted(ours - collected)) + r")\(")
    trees = [(path, ast.parse(content)) for path, content in files.items() if named.search(content)]
    carried = {
        f"{path.relative_to(ROOT)}:{node.lineno} {node.func.id}"
        for path, tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ours - collected
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
        and " " in node.args[0].value  # not the name of a field
    }
    assert not carried, sorted(carried)
