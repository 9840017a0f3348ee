"""`avain family link|list|revoke`: families' links to their own budget. What families send, and the answers to it: cli/family_acts.py."""

from typing import Annotated, Any

import typer

from cli.common import LARGEST_ID, As, DryRun, Json, actor, console, emit, sub_app, table, transaction
from core.clock import business_now
from core.errors import InputError
from core.i18n import LANGUAGES, _, moment
from core.settings import Settings

app = sub_app(_("Families and their own budget: links to it, proposals, wishes."))

Case = Annotated[str, typer.Argument(metavar=_("CASE"), help=_("Its number, such as HB-2026-000001."))]


@app.command(help=_("Make a link and a code for a family, to be handed over in person."))
def link(
    case: Case,
    *,
    language: Annotated[str, typer.Option(help=_("Language of the paper: fi, sv or en."))] = "fi",
    dry_run: DryRun = False,
    as_json: Json = False,
    as_: As = None,
) -> None:
    """Both are shown this once; `--json` prints them too: `link, case, address, code, until`."""
    from core.keys import family_code_key
    from services.family import link_words, links

    configured = configured_with_families()
    if language not in LANGUAGES:
        raise InputError("The paper is made in these languages: {languages}", languages=", ".join(LANGUAGES))
    with transaction(dry_run=dry_run) as session:
        made = links.make_link(
            session,
            case,
            holder="client",
            actor=actor(as_),
            now=business_now(session),
            key=family_code_key(configured),
            settings=configured.family,
        )
    paper = link_words.paper(made, configured, configured.family.public_url or configured.console.origin, language)
    data = {"link": made.id, "case": made.case, "address": paper.address, "code": made.code, "until": made.expires_at}

    def render() -> None:
        out = console()
        for line in (paper.title, "", paper.steps[0], f"  {paper.address}", paper.steps[1], f"  {paper.code}"):
            out.print(line, markup=False, highlight=False, soft_wrap=True)
        for line in ("", paper.until, *paper.advice):
            out.print(line, markup=False, highlight=False)

    emit(data, as_json, render)


@app.command("list", help=_("The links of a case, and when they were used."))
def list_(case: Case, as_json: Json = False) -> None:
    """Newest first. JSON: `link, holder, state, made_by, made_at, until, used_at, ended_by, ended_at`."""
    from services import names
    from services.family import link_words, links

    configured_with_families()
    with transaction() as session:
        found = links.listed(session, links.case_id(session, case), now=business_now(session))
        people = names.people(session)
    rows: list[dict[str, Any]] = [
        {
            "link": one.id,
            "holder": one.holder,
            "state": one.state,
            "made_by": one.made_by,
            "made_at": one.made_at,
            "until": one.expires_at,
            "used_at": one.used_at,
            "ended_by": one.ended_by,
            "ended_at": one.ended_at,
        }
        for one in found
    ]

    def render() -> None:
        columns = [
            _("Link"),
            _("For whom"),
            _("Made"),
            _("By whom"),
            _("Works until"),
            _("Last used"),
            _("How it stands"),
        ]
        body = [
            [
                one.id,
                link_words.holder_name(one.holder),
                moment(one.made_at),
                link_words.actor_of_link(one.made_by, people),
                moment(one.expires_at),
                moment(one.used_at),
                link_words.link_state(one),
            ]
            for one in found
        ]
        console().print(table(_("Links"), columns, body, right=[0]))

    emit(rows, as_json, render)


@app.command(help=_("Take a link back: it opens no more, and whoever came in by it is signed out."))
def revoke(
    case: Case,
    link: Annotated[int, typer.Argument(metavar=_("LINK"), min=1, max=LARGEST_ID, help=_("Its number in the list."))],
    *,
    dry_run: DryRun = False,
    as_json: Json = False,
    as_: As = None,
) -> None:
    """Support persons' links that were made by its holder end with it. JSON: `case, ended` (numbers of links)."""
    from services.family import links

    configured_with_families()
    with transaction(dry_run=dry_run) as session:
        ended = links.revoke(session, case, link, actor=actor(as_), now=business_now(session))

    def render() -> None:
        if not ended:
            said = _("The link had ended already.")
        else:
            said = _("The link is taken back. Whoever came in by it has been signed out.")
        console().print(said)

    emit({"case": case, "ended": ended}, as_json, render)


def configured_with_families() -> Settings:
    """The settings. Raises InputError while "My budget" is off, saying how it is turned on."""
    from core.settings import settings

    configured = settings()
    if not configured.family.enabled:
        raise InputError(
            "My budget is off. To turn it on: enabled = true under [family] in avain.toml, see docs/my-budget.md."
        )
    return configured
