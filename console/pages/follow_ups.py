"""Follow-ups: lists, and one on one screen: acknowledged with what was found, put off, handed over, not needed, written down, corrected.

Links of e-mails lead here. Looking changes nothing: everything is done by forms.
"""

from collections.abc import Callable
from typing import Any, Final

from starlette.responses import Response

from console import fields, follow_up_page, paging
from console.forms import Form, Sent, Typed
from console.paging import Id
from console.roles import CASE_ROLES
from console.visit import Here, Pages, Visit
from core import keys
from core.errors import InputError, Message, NotFound
from core.i18n import N_, _
from schedules import jobs
from services.access.absence_lists import find_colleague
from services.case_lists import workers_of
from services.follow_ups import acknowledging, acting, listing, showing
from services.follow_ups.findings import FINDINGS, KYKYVIISARI, RECORDED
from services.follow_ups.showing import Shown
from services.follow_ups.words import KINDS

pages = Pages()

_TITLES: Final = {
    "mine": N_("Mine"),
    "unit": N_("My unit's"),
    "overdue": N_("Overdue"),
    "to_write_down": N_("To be written down"),
}


@pages.get("/follow-ups", roles=CASE_ROLES)
def follow_ups(visit: Here, which: str = "mine", kind: str = "", worker: str = "", after: str = "") -> Response:
    """Open follow-ups, what is due first first; and those that are acknowledged and not written down yet."""
    wanted, found, problem = listing.Wanted(), listing.Page((), None), ""
    try:
        wanted = listing.Wanted(which, kind, fields.words(worker, _("Responsible worker")), after)
        found = listing.listed(visit.session, visit.person, wanted, visit.today)
    except InputError as refused:
        problem = str(refused)
    kept = {"which": wanted.which, "kind": wanted.kind, "worker": wanted.worker}
    visit.saw_cases(f"follow_ups:{wanted.which}", "follow_ups.listed", [one.case_number for one in found.rows])
    return visit.page(
        "follow_ups/follow_ups.html",
        status=422 if problem else 200,
        leaf=paging.Leaf(
            found.rows,
            paging.address("/follow-ups", kept) if after else None,
            paging.address("/follow-ups", {**kept, "after": found.after}) if found.after else None,
        ),
        wanted=wanted,
        problem=problem,
        lists=[(name, _(_TITLES[name])) for name in listing.lists_of(visit.person)],
        title=_(_TITLES.get(wanted.which, "")),
        kinds=KINDS,
        workers={one.external_id: one.name for one in workers_of(visit.session, visit.person, visit.today)},
        today=visit.today,
        **follow_up_page.tools(),
    )


@pages.get("/follow-ups/{follow_up}", roles=CASE_ROLES)
def follow_up(visit: Here, follow_up: Id, language: str = "") -> Response:
    """One follow-up. Who may not see it is told the same as of one that does not exist. `language`: of the text for the case record."""
    return follow_up_page.show(visit, _seen(visit, follow_up), language=language)


@pages.post("/follow-ups/{follow_up}/acknowledge", roles=CASE_ROLES)
def acknowledge(visit: Here, follow_up: Id, sent: Sent) -> Response:
    """It is done; with what was found."""

    def act() -> Message:
        done = acknowledging.acknowledge(
            visit.session,
            follow_up,
            actor=visit.actor,
            now=visit.now,
            note=sent.get("note", ""),
            sealer=keys.sealer(visit.settings),
            **_answers(sent),
        )
        if done.kind in RECORDED:
            return Message("Acknowledged. Copy the text into the client information system and tick that you have.")
        return Message("Acknowledged.")

    return _done(visit, follow_up, "acknowledge", sent, act)


@pages.post("/follow-ups/{follow_up}/snooze", roles=CASE_ROLES)
def snooze(visit: Here, follow_up: Id, until: Typed = "", note: Typed = "") -> Response:
    """Put it off."""

    def act() -> Message:
        day = fields.day(until, _("Until"))
        if day is None:
            raise InputError("Say until when.")
        put_off = acknowledging.snooze(
            visit.session,
            follow_up,
            actor=visit.actor,
            now=visit.now,
            reason=fields.words(note, _("Why")),
            until=day,
            calendar=jobs.calendar(visit.settings.follow_ups),
        )
        return Message("Put off to {date}.", date=put_off.due.isoformat())

    return _done(visit, follow_up, "snooze", {"until": until, "note": note}, act)


@pages.post("/follow-ups/{follow_up}/hand-over", roles=CASE_ROLES)
def hand_over(visit: Here, follow_up: Id, to: Typed = "", note: Typed = "") -> Response:
    """Have a colleague do it."""
    found = _seen(visit, follow_up)

    def act() -> Message:
        offered = dict(showing.colleagues(visit.session, found))
        is_typed = to not in offered and len(offered) > follow_up_page.MOST_TO_CHOOSE
        whom = _typed(visit, fields.words(to, _("To whom"))) if is_typed else to
        if whom not in offered:
            raise InputError("Choose who takes it over.")
        reason = fields.words(note, _("Why"))
        acting.hand_over_to(visit.session, follow_up, whom, actor=visit.actor, now=visit.now, reason=reason)
        return Message("Handed over to {name}.", name=offered[whom])

    return _done(visit, follow_up, "hand-over", {"to": to, "note": note}, act, found=found, leaves=True)


@pages.post("/follow-ups/{follow_up}/not-needed", roles=CASE_ROLES)
def not_needed(visit: Here, follow_up: Id, note: Typed = "") -> Response:
    """There is nothing to follow up."""

    def act() -> Message:
        reason = fields.words(note, _("Why"))
        acknowledging.not_needed(visit.session, follow_up, actor=visit.actor, now=visit.now, reason=reason)
        return Message("Noted: it is not needed.")

    return _done(visit, follow_up, "not-needed", {"note": note}, act, leaves=True)


@pages.post("/follow-ups/{follow_up}/written", roles=CASE_ROLES)
def written(visit: Here, follow_up: Id) -> Response:
    """It stands in the client information system."""

    def act() -> Message:
        acting.write_down(visit.session, follow_up, actor=visit.actor, now=visit.now)
        return Message("Ticked: it is written down in the client information system.")

    return _done(visit, follow_up, "written", {}, act, leaves=True)


@pages.post("/follow-ups/{follow_up}/correct", roles=CASE_ROLES)
def correct(visit: Here, follow_up: Id, sent: Sent) -> Response:
    """Other answers take the place of those that were given."""
    found = _seen(visit, follow_up)
    keeps = visit.settings.privacy.identity == "sealed" and (found.may_read_note or not found.has_note)

    def act() -> Message:
        acting.correct(
            visit.session,
            follow_up,
            actor=visit.actor,
            now=visit.now,
            reason=fields.words(sent.get("reason", ""), _("Why")),
            note=sent.get("note", "").replace("\r\n", "\n") if keeps else None,
            sealer=keys.sealer(visit.settings),
            **_answers(sent),
        )
        return Message("Corrected. Write it down in the client information system again.")

    return _done(visit, follow_up, "correct", sent, act, found=found)


def _seen(visit: Visit, follow_up: int) -> Shown:
    return showing.shown(visit.session, visit.person, follow_up, visit.today)


def _typed(visit: Visit, typed: str) -> str:
    """The worker somebody typed by id, name or address. Raises InputError."""
    try:
        return find_colleague(visit.session, typed).id
    except NotFound as nobody:
        raise InputError(nobody.message) from nobody


def _answers(sent: Sent) -> dict[str, Any]:
    """The answers as the services take them. Raises InputError for a rating or a day that cannot be read."""
    rating = sent.get("rating", "").strip()
    if rating and not (rating.isascii() and rating.isdecimal() and len(rating) == 1):
        raise InputError("A rating is a whole number from 1 to 5, not {rating}.", rating=rating[:20])
    day = fields.day(sent.get("kykyviisari_date", ""), _("Day of the Kykyviisari"))
    typed = {name: sent.get(name, "").strip() for name in (*FINDINGS, *KYKYVIISARI)}
    typed["kykyviisari_date"] = "" if day is None else day.isoformat()
    return {
        "rating": int(rating) if rating else None,
        "rated_by": sent.get("rated_by", "").strip() or None,
        "findings": {name: answer for name, answer in typed.items() if answer},
    }


def _done(
    visit: Visit,
    follow_up: int,
    name: str,
    typed: dict[str, str],
    act: Callable[[], Message],
    *,
    found: Shown | None = None,
    leaves: bool = False,
) -> Response:
    """Do it, if it is theirs to do; then on to the page, or where it is off their hands (`leaves`) to the list."""
    found = found or _seen(visit, follow_up)
    if not found.may_act:
        raise NotFound("There is no such page.")
    try:
        with visit.session.begin_nested():
            said = act()
    except InputError as refused:
        # what somebody else has done meanwhile is shown as it stands now
        return follow_up_page.show(visit, _seen(visit, follow_up), Form(typed, {name: str(refused)}))
    return visit.go("/follow-ups" if leaves else f"/follow-ups/{found.id}", said)
