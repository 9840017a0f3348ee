"""What the parts of the console's addresses name, and addresses made of what there is."""

from urllib.parse import quote

from tests.support.one_of_each import OneOfEach, Theirs

#: Where an address names a row that is somebody's: what each of its parts names (tests/support/one_of_each.py).
OWNED: dict[str, dict[str, str]] = {
    "/cases/{number}": {
        "number": "case", "decision": "decision", "item:path": "item", "link": "link", "proposal": "proposal", "wish": "wish",
    },
    "/orders/{number}": {"number": "order", "answer": "answer"},
    "/orders/proposals/{proposal}": {"proposal": "order proposal"},
    "/follow-ups/{follow_up}": {"follow_up": "follow-up"},
    "/notices/{notice}": {"notice": "notice"},
    "/invoices/{document}": {"document": "invoice"},
    "/incoming/{document}": {"document": "document"},
    "/absences/{absence}": {"absence": "absence"},
    "/my/{number}": {"number": "case", "proposal": "proposal", "link": "link"},
}  # fmt: skip
#: The same of what is nobody's own.
SHARED: dict[str, dict[str, str]] = {
    "/prices/lists/{number}": {"number": "price list"},
    "/prices/template/{business_id}/{form}": {"business_id": "provider"},
    "/providers/{business_id}": {"business_id": "provider"},
    "/services/{code}": {"code": "service"},
    "/unit-costs/{price_id}": {"price_id": "price"},
    "/sources/{name}": {"name": "source"},
    "/runs/called/{work_id}": {"work_id": "work"},
    "/runs/{run_id}": {"run_id": "run"},
    "/reply/{token}": {"token": "reply"},
    "/delivered/{token}": {"token": "delivered"},
    "/audit/cases/{number}": {"number": "case"},
}


def owned(path: str) -> str | None:
    """The entry of `OWNED` that an address belongs to."""
    return _entry(OWNED, path)


def _entry(table: dict[str, dict[str, str]], path: str) -> str | None:
    return next((one for one in table if path == one or path.startswith((f"{one}/", f"{one}."))), None)


def address(path: str, whose: Theirs, rest: Theirs | None = None) -> str:
    """The address with what somebody has in its first part, and in the others what `rest` has (the same, if nobody else is said)."""
    kinds, named = OWNED[owned(path) or ""], whose
    parts = []
    for part in path.split("/"):
        if part.startswith("{"):
            parts.append(quote(named[kinds[part[1:-1]]]))
            named = rest or whose
        else:
            parts.append(part)
    return "/".join(parts)


def parts(path: str, world: OneOfEach) -> dict[str, str]:
    """What there is for the parts of an address, by their names in the pattern; parts that no row is known for are left out."""
    shared = {kind: names[0] for kind, names in world.shared().items()} | world.mine.rows
    table = OWNED if owned(path) else SHARED
    kinds = table.get(_entry(table, path) or "", {})
    return {name.partition(":")[0]: str(shared[kind]) for name, kind in kinds.items() if f"{{{name}}}" in path}
