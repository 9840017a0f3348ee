"""Every act that the code records has words and a purpose: actions are read from the code itself, so that none is forgotten."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from core.i18n import speaking
from core.settings import ROOT
from models.follow_up import FOLLOW_UP_ACTS
from services.audit_actions import action_name, known_actions
from services.audit_purposes import PURPOSES, purpose_of

_FOLDERS: Final = ("services", "console", "cli", "workers")
_ACTION: Final = re.compile(r"[a-z_]+\.[a-z_]+")
#: Names of files look alike.
_FILES: Final = re.compile(r".*\.(html|pdf|xlsx|xml|json|csv|toml|eml|py)")
_IN_SQL: Final = re.compile(r"INSERT INTO audit_event\b.*?'([a-z_]+\.[a-z_]+)'", re.DOTALL)
#: Texts that look alike, in modules where an action is handed on: keys of what is remembered.
_OTHERS: Final = frozenset({"schedule.looked_at"})
#: Where the action stands among the arguments without a name.
_PLACES: Final[dict[str, int]] = {"record": 2, "Event": 1, "saw": 1, "saw_cases": 1}
#: Actions that are put together: by the module and what stands there, those they come to.
_COMPOSED: Final[dict[tuple[str, str], Callable[[], set[str]]]] = {
    ("services/follow_ups/events.py", "f'follow_up.{act}'"): lambda: {f"follow_up.{act}" for act in FOLLOW_UP_ACTS},
    ("services/orders/approving/storing.py", "issue.action"): lambda: {"order.approved", "order.month_ordered"},
    ("services/reference_data/reading.py", "f'{what}.imported'"): lambda: {
        f"{what}.imported" for what in ("providers", "services", "workers")
    },
}


def _modules() -> Iterator[tuple[str, ast.Module]]:
    for folder in _FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield str(Path(path).relative_to(ROOT)), ast.parse(path.read_text("utf-8"))


def _recorded(tree: ast.Module) -> Iterator[ast.expr]:
    """What stands in the place of the action in every call that records an event."""
    of_audit = "audit" in ast.unparse(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        owner = node.func.value if isinstance(node.func, ast.Attribute) else None
        if name in {"record", "Event"} and not (of_audit and isinstance(owner, ast.Name) and owner.id == "audit"):
            continue
        named = [one.value for one in node.keywords if one.arg == "action"]
        if name in _PLACES and (named or len(node.args) > _PLACES[name]):
            yield named[0] if named else node.args[_PLACES[name]]


def _texts(tree: ast.AST) -> set[str]:
    """Every text of it that may be an action."""
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {one for one in texts if _ACTION.fullmatch(one) and not _FILES.fullmatch(one)} - _OTHERS


def _named(tree: ast.Module, name: str) -> set[str]:
    """What a name stands for: what is said of it in the module, else (it is handed on from elsewhere) any of the module's texts."""
    said = [one.value for one in ast.walk(tree) if isinstance(one, ast.Assign) and _names(one) == {name}]
    return set().union(*map(_texts, said)) or _texts(tree)


def _names(one: ast.Assign) -> set[str]:
    return {target.id for target in one.targets if isinstance(target, ast.Name)}


def _actions() -> Iterator[tuple[str, str]]:
    """Every action and the module that records it."""
    for module, tree in _modules():
        for text in (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)):
            if isinstance(text, str):
                yield from ((found, module) for found in _IN_SQL.findall(text))
        for action in _recorded(tree):
            composed = _COMPOSED.get((module, ast.unparse(action)))
            plain = isinstance(action, (ast.Constant, ast.IfExp, ast.Name))
            assert composed or plain, f"{module}: say in _COMPOSED what {ast.unparse(action)} may be"
            found = (
                composed() if composed else _named(tree, action.id) if isinstance(action, ast.Name) else _texts(action)
            )
            yield from ((one, module) for one in found)


def test_every_action_of_the_code_has_words_and_a_purpose():
    found = dict(_actions())
    assert len(found) > 120  # the search itself works
    without = {action: module for action, module in found.items() if action not in known_actions()}
    assert not without, "give them words in services/audit_actions.py"
    aimless = {action: module for action, module in found.items() if action not in PURPOSES}
    assert not aimless, "say in services/audit_purposes.py what they are for"


def test_words_and_purposes_are_of_the_same_actions():
    assert set(known_actions()) == set(PURPOSES)


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_they_are_said_in_every_language(language):
    with speaking("en"):
        english = {action: (action_name(action), purpose_of(action)) for action in known_actions()}
    with speaking(language):
        for action in known_actions():
            said = (action_name(action), purpose_of(action))
            assert all(said)
            if language != "en":
                assert said[0] != english[action][0], f"{action} is not translated"
                assert said[1] != english[action][1], f"the purpose of {action} is not translated"
        assert purpose_of("made.up")
