"""`avain price list`: prices in force with provenance; lists that wait, and a person's word on them."""

from datetime import datetime
from typing import Annotated, Any

import typer

from cli import price_columns
from cli.common import LARGEST_ID, As, DryRun, Json, actor, console, emit, sub_app, table, transaction
from core.errors import Message
from core.i18n import _, day
from core.units import what_is_priced

app = sub_app(_("Prices in force, where each comes from, and price lists that wait for a person."))
price_columns.register(app)

At = Annotated[
    datetime | None, typer.Option("--at", formats=["%Y-%m-%d"], metavar=_("DATE"), help=_("In force that day."))
]
ListId = Annotated[
    int, typer.Argument(min=1, max=LARGEST_ID, metavar=_("LIST"), help=_("The number of the price list."))
]
Note = Annotated[str, typer.Option("--note", help=_("Why; it is recorded."))]


@app.command("list", help=_("List the prices in force, each with the file and row it comes from."))
def list_prices(
    at: At = None,
    service: Annotated[str | None, typer.Option(help=_("Only this service (its code)."))] = None,
    provider: Annotated[str | None, typer.Option(help=_("Only this provider (business id) or source (name)."))] = None,
    as_json: Json = False,
) -> None:
    """`avain price list --service ADHD-VALMENNUS --at 2027-01-01`."""
    from core.clock import business_today
    from services import names
    from services.prices.listing import list_prices as read

    with transaction() as session:
        names.must_exist(session, "--service", service, "service")
        names.must_exist(session, "--provider", provider, "provider")
        rows = read(session, at.date() if at else business_today(session), service=service, provider=provider)
    columns = (_("Service"), _("Provider"), _("Price"), _("Per"), _("Valid"), _("From"))
    emit(
        rows,
        as_json,
        lambda: console().print(table(_("Prices in force"), columns, map(_price_row, rows), right=(2,))),
    )


@app.command(help=_("List the price lists that wait for a person."))
def held(as_json: Json = False) -> None:
    """`avain price held`."""
    from services.prices.listing import held_lists

    with transaction() as session:
        rows = held_lists(session)
    for row in rows:
        row["reasons"] = [Message.from_json(reason).text() for reason in row["reasons"] or []]
    shown = [(row["id"], row["source"], row["file_name"], "\n".join(row["reasons"])) for row in rows]
    columns = (_("Number"), _("Source"), _("File"), _("Why it waits"))
    emit(rows, as_json, lambda: console().print(table(_("Price lists that wait"), columns, shown)))


@app.command(help=_("Show what a price list that waits would change."))
def show(price_list: ListId, as_json: Json = False) -> None:
    """`avain price show 7`: the plan and its effect, as they will be applied."""
    from cli.price_source import changes_json, print_changes, print_effect
    from services.prices.listing import held_list

    with transaction() as session:
        found = held_list(session, price_list)
    plan = found.kept.plan
    data = {"price_list": price_list, "source": found.source, "file": found.file_name, **found.counts,
            "held": [reason.text() for reason in plan.reasons], "effect": found.kept.effect, "changes": changes_json(plan.changes)}  # fmt: skip

    def render() -> None:
        print_changes(f"{found.source}: {found.file_name}", plan.changes)
        for reason in plan.reasons:
            console().print(f"! {reason.text()}", markup=False)
        print_effect(found.kept.effect)

    emit(data, as_json, render)


@app.command(help=_("Apply a price list that waits, exactly as it was planned."))
def approve(price_list: ListId, note: Note, dry_run: DryRun = False, as_: As = None, as_json: Json = False) -> None:
    """`avain price approve 7 --note "agreed by telephone"`."""
    from core.clock import business_now
    from services import prices

    with transaction(dry_run=dry_run) as session:
        plan = prices.approve(session, price_list, actor(as_), note, business_now(session))
    data = {"price_list": price_list, "state": "applied", **plan.counts, "dry_run": dry_run}
    sentence = _("Applied: {added} added, {changed} changed, {ended} ended.").format_map(data)
    emit(data, as_json, lambda: console().print(sentence))


@app.command(help=_("Discard a price list that waits; the prices in force stay."))
def discard(price_list: ListId, note: Note, dry_run: DryRun = False, as_: As = None, as_json: Json = False) -> None:
    """`avain price discard 7 --note "a mistake of the provider"`."""
    from core.clock import business_now
    from services import prices

    with transaction(dry_run=dry_run) as session:
        prices.discard(session, price_list, actor(as_), note, business_now(session))
    data = {"price_list": price_list, "state": "discarded", "dry_run": dry_run}
    emit(data, as_json, lambda: console().print(_("Discarded.")))


def _price_row(row: dict[str, Any]) -> list[str]:
    from services.prices.words import amount_in_words, per_what

    until = day(row["valid_to"]) if row["valid_to"] else ""
    return [
        what_is_priced(row["service"], row["extra"]),
        row["provider"] or _("own unit cost"),
        amount_in_words(row["amount"]),
        per_what(row["unit"], row["base_quantity"], row["time_class"], row["minimum_quantity"], row["territory"]),
        f"{day(row['valid_from'])}–{until}",
        f"{row['file_name']}:{row['position']}",
    ]
