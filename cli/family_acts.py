"""`avain family proposals|confirm|decline|wishes|noted`: what families sent, and the answers to it. Words of wishes are read in the console only."""

from typing import Annotated, Final

import typer

from cli.common import LARGEST_ID, As, DryRun, Json, Limit, actor, console, emit, table, transaction
from cli.family import Case, configured_with_families
from core.clock import business_now, business_today
from core.i18n import _, moment, money
from services.labels import chooser_name

_Proposal = Annotated[
    int, typer.Argument(metavar=_("PROPOSAL"), help=_("Its number, from proposals."), min=1, max=LARGEST_ID)
]
_Wish = Annotated[int, typer.Argument(metavar=_("WISH"), help=_("Its number, from wishes."), min=1, max=LARGEST_ID)]
_STATES: Final = ("sent", "seen", "noted")


def register(app: typer.Typer) -> None:
    """Add the commands to `avain family`."""
    app.command(help=_("What families propose and nobody has answered."))(proposals)
    app.command(help=_("Make a proposal the choice."))(confirm)
    app.command(help=_("Decline a proposal; the family reads why."))(decline)
    app.command(help=_("The wishes of a case, without the words that families wrote."))(wishes)
    app.command(help=_("A wish stands in the client information system: its words are removed here."))(noted)


def proposals(limit: Limit = 100, as_json: Json = False) -> None:
    """Those that wait longest first. JSON: `id, case, item, service, provider, by, euros, since`."""
    from services.family.reading import waiting

    configured_with_families()
    with transaction() as session:
        found = waiting(session, business_today(session), limit=limit)
    rows = [
        {
            "id": one.id,
            "case": one.case_number,
            "item": one.item,
            "service": one.service,
            "provider": one.provider,
            "by": one.voice,
            "euros": one.total,
            "since": one.proposed_at,
        }
        for one in found
    ]

    def render() -> None:
        body = [
            [
                one.id,
                f"{one.case_number}/{one.item}",
                one.service,
                one.provider,
                chooser_name(one.voice),
                money(one.total),
                moment(one.proposed_at),
            ]
            for one in found
        ]
        columns = [
            _("Proposal"),
            _("Planned service"),
            _("Service"),
            _("Provider"),
            _("Proposed by"),
            _("Euros"),
            _("Since"),
        ]
        console().print(table(_("What families propose"), columns, body, right=[0, 5]))

    emit(rows, as_json, render)


def confirm(
    proposal: _Proposal,
    *,
    reason: Annotated[str, typer.Option(help=_("Why; needed where the money does not suffice."))] = "",
    dry_run: DryRun = False,
    as_json: Json = False,
    as_: As = None,
) -> None:
    """The same checks as for every choice. JSON: `id, state, choice`."""
    from services.family import proposals as service

    configured = configured_with_families()
    with transaction(dry_run=dry_run) as session:
        choice = service.confirm(
            session,
            proposal,
            actor=actor(as_),
            reason=reason.strip(),
            now=business_now(session),
            budgets=configured.budgets,
            language=configured.language,
        )
        shown = {"id": proposal, "state": "confirmed", "choice": choice.id}
    emit(shown, as_json, lambda: console().print(_("The proposal is confirmed and recorded as the choice.")))


def decline(
    proposal: _Proposal,
    *,
    reason: Annotated[str, typer.Option(help=_("Why not, in words for the family."))],
    dry_run: DryRun = False,
    as_json: Json = False,
    as_: As = None,
) -> None:
    """JSON: `id, state`."""
    from services.family import proposals as service

    configured_with_families()
    with transaction(dry_run=dry_run) as session:
        service.decline(session, proposal, actor=actor(as_), reason=reason, now=business_now(session))
    emit(
        {"id": proposal, "state": "declined"},
        as_json,
        lambda: console().print(_("The proposal is declined. The family reads why.")),
    )


def wishes(case: Case, as_json: Json = False) -> None:
    """Those that wait first. JSON: `id, by, ticks, words (whether there are any), state, written_at`."""
    from services.family import wishes as service

    configured_with_families()
    with transaction() as session:
        found = service.wishes_called(session, case)
    names_of_states = dict(zip(_STATES, (_("not read yet"), _("read"), _("written down")), strict=True))
    rows = [
        {
            "id": one.id,
            "by": one.voice,
            "ticks": list(one.ticks),
            "words": one.has_words,
            "state": one.state,
            "written_at": one.written_at,
        }
        for one in found
    ]

    def render() -> None:
        body = [
            [
                one.id,
                chooser_name(one.voice),
                ", ".join(service.tick_label(tick) for tick in one.ticks) or "–",
                _("yes") if one.has_words else _("no"),
                names_of_states[one.state],
                moment(one.written_at),
            ]
            for one in found
        ]
        columns = [_("Wish"), _("Who"), _("Wishes"), _("Words"), _("State"), _("When")]
        console().print(table(_("Wishes"), columns, body, right=[0]))

    emit(rows, as_json, render)


def noted(wish: _Wish, dry_run: DryRun = False, as_json: Json = False, as_: As = None) -> None:
    """JSON: `id, state`."""
    from services.family import wishes as service

    configured_with_families()
    with transaction(dry_run=dry_run) as session:
        service.note_down(session, wish, actor=actor(as_), now=business_now(session))
    emit({"id": wish, "state": "noted"}, as_json, lambda: console().print(_("The wish is written down.")))
