"""The plan of a price list, as `avain source plan` shows it, and saved plans."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.common import CHANGES_PENDING, DONE, ERROR, SOME_REJECTED, console, table
from core.errors import InputError, Message
from core.i18n import _, money
from core.reasons import os_reason
from services.budgets.words import state_name
from services.labels import counts_in_words
from services.prices.words import change_in_words, effect_in_words

if TYPE_CHECKING:
    from services.prices import Change, Prepared

#: So many lines of a plan are printed; the JSON has all of them.
_PRINTED = 200


@dataclass(frozen=True)
class Shown:
    """A plan with what it does to budgets (services/prices/effect.py). `provider`: the business id its source is configured for."""

    prepared: "Prepared"
    effect: dict[str, Any] | None
    provider: str | None = None


def plan_exit_code(shown: Shown) -> int:
    """4 when applying would change something, 1 when the list would be refused."""
    if shown.prepared.refusal is not None:
        return ERROR
    return DONE if shown.prepared.plan.empty else CHANGES_PENDING


def plan_json(shown: Shown) -> dict[str, Any]:
    """The plan as one document: source, file, state, counts, changes, effect, rejected rows, reasons to hold."""
    prepared = shown.prepared
    return {
        "source": prepared.source,
        "file": prepared.document.file_name,
        "sha256": prepared.document.sha256,
        "state": prepared.state,
        "reason": prepared.refusal,
        **prepared.counts,
        "held": [reason.text() for reason in prepared.plan.reasons],
        "effect": shown.effect,
        "changes": changes_json(prepared.plan.changes),
        "rejections": [
            {"position": one.position, "field": one.field, "reason": one.reason.text()} for one in prepared.rejections
        ],
        "unknown_columns": prepared.document.unknown_columns,
    }


def changes_json(changes: "list[Change]") -> list[dict[str, Any]]:
    """The lines of a plan."""
    return [_change_json(one) for one in changes]


def _change_json(one: "Change") -> dict[str, Any]:
    return {
        "sign": one.sign,
        "service": one.service,
        "extra": one.extra,
        "unit": one.unit,
        "base_quantity": one.base_quantity,
        "minimum_quantity": one.minimum_quantity,
        "territory": one.territory,
        "time_class": one.time_class,
        "old": one.old,
        "new": one.new,
        "percent": one.percent,
        "rule": Message.from_json(one.rule) if one.rule else None,
        "first": one.first,
        "position": one.position,
    }


def print_plan(shown: Shown) -> None:
    """The plan for people: + added, ~ changed, - ended, ✗ rejected, why it would wait, and what it does to budgets."""
    prepared, out = shown.prepared, console()
    title = f"{prepared.source}: {prepared.document.file_name}"
    if prepared.refusal is not None:
        out.print(f"{title}\n✗ {prepared.refusal.text()}", markup=False)
    rejected = [
        ("✗", one.external_id or "", "", "", "", "", "", one.position, one.reason.text()) for one in prepared.rejections
    ]
    print_changes(title, prepared.plan.changes, rejected)
    for reason in prepared.plan.reasons:
        out.print(f"! {reason.text()}", markup=False)
    _print_unknown_columns(prepared.document.unknown_columns, shown.provider)
    figures = counts_in_words(prepared.counts)
    if figures:
        out.print(figures, markup=False)
    print_effect(shown.effect)


def print_changes(title: str, changes: "list[Change]", rejected: Iterable[tuple[str, ...]] = ()) -> None:
    """The lines of a plan, with what its contract says of a rise, and rejected rows with their reasons."""
    rejected = list(rejected)
    rows: list[tuple[str, ...]] = [change_in_words(one) for one in changes[:_PRINTED]]
    rows += rejected[:_PRINTED]
    if rows:
        columns = ("", _("Service"), _("Per"), _("Before"), _("After"), _("Change"), _("Valid from"), _("Row"), "")
        console().print(table(title, columns, rows, right=(3, 4, 5)))
    unprinted = sum(max(0, len(one) - _PRINTED) for one in (changes, rejected))
    if unprinted:
        console().print(_("… and {count} more").format(count=unprinted), markup=False)


def _print_unknown_columns(titles: list[str], provider: str | None) -> None:
    """The titles of columns that were passed over because nobody knows what they mean, and how to say it. The command holds none of them:
    it is pasted into a shell, and they are the provider's words.
    """
    if not titles:
        return
    out = console()
    out.print(_("Columns that were passed over: {titles}").format(titles=", ".join(titles)), markup=False)
    if provider is not None:
        command = f'avain price columns {provider} --set "…=price" --ignore "…"'
        out.print(_("Say what they mean with: {command}").format(command=command), markup=False, soft_wrap=True)


def print_effect(effect: dict[str, Any] | None) -> None:
    """What a plan does to budgets, one by one, and that it leaves orders alone. `effect` as services/prices/effect.py writes it."""
    if effect is None:
        return
    out = console()
    first, *further = effect_in_words(effect)
    out.print(first, markup=False)
    for one in effect["moved"]:
        line = f"  {one['case']} {one['decision']}: {money(Decimal(one['planned_before']))} → {money(Decimal(one['planned']))}"
        out.print(
            line + (f" → {state_name(one['state'])}" if one["state"] != one["state_before"] else ""), markup=False
        )
    for told in further:
        out.print(told, markup=False)


def is_plan_file(name: str) -> bool:
    """Whether the word after `apply` is a file: a source's name has no dot."""
    return "." in name


def read_file(name: str) -> str:
    """The text of a saved plan. Raises InputError."""
    try:
        return Path(name).read_text("utf-8")
    except OSError as error:
        raise InputError("{file} cannot be read: {reason}", file=name, reason=os_reason(error)) from error
    except UnicodeDecodeError as error:
        raise InputError("The file is not a saved plan of a price list.") from error


def write_file(path: Path, content: str) -> None:
    """Keep a plan. Raises InputError."""
    try:
        path.write_text(content, "utf-8")
    except OSError as error:
        raise InputError("{file} cannot be written: {reason}", file=str(path), reason=os_reason(error)) from error


def applied_exit_code(counts: dict[str, int]) -> int:
    """As of `avain source run`."""
    return SOME_REJECTED if counts.get("rejected") else DONE
