"""`avain keys`: by which keys what is kept is sealed, and sealing it anew when they change (docs/keys.md)."""

import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.markup import escape
from rich.text import Text

from cli.common import ERROR, As, DryRun, Json, actor, complaints, console, emit, stop, sub_app, table, transaction
from core.clock import business_now
from core.errors import Transient
from core.i18n import N_, _, number
from services.labels import count_name, outcome_name

if TYPE_CHECKING:
    from services.sealing import KeyStanding
    from services.sealing.rotating import Progress

app = sub_app(_("The keys by which identity and families' words are sealed."))

#: What each state of a key means for whoever looks after it.
_STATES: Final = {
    "current": (N_("seals and opens"), "green"),
    "needed": (N_("only opens; still needed"), "yellow"),
    "idle": (N_("nothing is sealed with it: may be dropped if it is a former one"), ""),
    "missing": (N_("IS MISSING: what it sealed cannot be opened"), "bold red"),
    "wrong": (N_("IS ANOTHER KEY than the one that sealed"), "bold red"),
}
#: What is sealed where, in words.
_PLACES: Final = {
    "client.sealed_identity": N_("who clients are"),
    "case_staging.sealed": N_("who clients of held runs are"),
    "follow_up.sealed_note": N_("notes of follow-ups"),
    "family_wish.sealed_words": N_("families' words"),
}
_LATE: Final = N_("It has not ended in {seconds} s; it goes on when a worker is there (avain up, avain worker).")
_LATE_WHY: Final = N_("It has not ended in {seconds} s. {reason}")
#: How often Work under way is looked at, in seconds.
_LOOK_EVERY: Final = 0.3


@app.command("status", help=_("How much each key has sealed, and which may be dropped; exit 1 when one is missing."))
def status(as_json: Json = False) -> None:
    """Reads only. Keys are named by their ids; they are never shown."""
    from core.settings import settings
    from services.sealing import kept, standing
    from services.sealing.standing import index_in_force, index_missing

    with transaction() as session:
        found = standing(session, keys := kept(settings()))
        indexed, lost = index_in_force(session, keys), index_missing(session, keys)
    data = {
        "keys": [_as_json(one) for one in found],
        "index_key": None if indexed is None else "missing" if lost else "current" if indexed else "former",
    }
    emit(data, as_json, lambda: _print(found, indexed=indexed, lost=lost))
    if lost or any(one.state in ("missing", "wrong") for one in found):
        stop(ERROR)


@app.command(
    "rotate", help=_("Seal everything anew with the first key; former ones are readable until they are dropped.")
)
def rotate(
    *,
    despite_missing: Annotated[
        bool, typer.Option("--despite-missing", help=_("Also where some of it was sealed with keys that are lost."))
    ] = False,
    inline: Annotated[bool, typer.Option("--inline", help=_("Do it in this process instead of a worker's."))] = False,
    patience: Annotated[float, typer.Option(help=_("Seconds to wait for it to end."), min=1)] = 3600,
    as_: As = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """In batches, while everything goes on; broken off, it is asked for again and goes on where it was. Recorded in the audit trail."""
    from core.settings import settings
    from services.sealing import kept, rotating, standing
    from services.sealing.standing import index_in_force, index_missing
    from workers.queue import keep

    with keep((rotating.KIND,)) if inline else nullcontext():
        with transaction(dry_run=dry_run) as session:
            keys = kept(settings())
            found = standing(session, keys)
            if not despite_missing:
                rotating.must_be_whole(found)
            waiting = rotating.to_seal_anew(found, keys)
            reindexed = index_in_force(session, keys) is False and not index_missing(session, keys)
            work_id = rotating.call_for(session, keys, actor=actor(as_), now=business_now(session))
        done = None if dry_run else follow(work_id, waiting, inline=inline, patience=patience, quiet=as_json)
    counts = dict(done.counts) if done is not None else {}
    data = {
        "key": keys.current, "to_seal_anew": waiting, "to_index_anew": reindexed, **{name: counts.get(name, 0) for name in ("resealed", "indexed", "unopened")},
        "state": None if done is None else done.outcome, "seconds": 0.0 if done is None else round(done.seconds, 3),
    }  # fmt: skip
    emit(data, as_json, lambda: _print_done(keys.current, waiting, done, reindexed=reindexed))
    if done is not None and (done.dead or done.outcome not in ("succeeded", "nothing_to_do")):
        stop(ERROR)


def follow(work_id: int, waiting: int, *, inline: bool, patience: float, quiet: bool) -> "Progress":
    """Wait until it has ended, doing it here if `inline`. Raises Transient when it is late."""
    from services.sealing.rotating import KIND, progress
    from workers.inline import do_now

    until = time.monotonic() + patience
    shown = nullcontext() if quiet else complaints().status(_("waiting for a worker"), spinner="dots")
    with shown as line:
        while True:
            if inline:
                do_now(work_id, KIND)
            with transaction() as session:
                now = progress(session, work_id)
            if now.ended or (inline and now.outcome in ("retry", "succeeded", "partly")):  # what is left is for later
                return now
            if line is not None and now.running:
                said = _("sealed anew: {done} of {count}")
                line.update(said.format(done=number(now.counts.get("resealed", 0)), count=number(waiting)))
            reason = now.message if now.outcome == "retry" else None  # such as a worker that was not started anew
            if line is not None and reason is not None and not now.running:
                line.update(escape(str(reason)))
            if time.monotonic() > until:
                if reason is not None:
                    raise Transient(_LATE_WHY, seconds=int(patience), reason=reason)
                raise Transient(_LATE, seconds=int(patience))
            time.sleep(_LOOK_EVERY)


def _as_json(one: "KeyStanding") -> dict[str, Any]:
    return {"key": one.key, "state": one.state, "derived": one.derived, "sealed": one.total, "places": one.counts}


def _print(found: "list[KeyStanding]", *, indexed: bool | None, lost: bool) -> None:
    rows = []
    for one in found:
        words, style = _STATES[one.state]
        said = _("of AVAIN_HASH_KEY; always there") if one.derived and one.state == "idle" else _(words)
        where = ", ".join(f"{_(_PLACES[place])} {number(count)}" for place, count in one.counts.items())
        rows.append((one.key or "?", Text(said, style), number(one.total), where))
    console().print(table(_("Keys that seal"), [_("Key"), _("State"), _("Sealed"), _("Of these")], rows, right=[2]))
    if lost:
        complaints().print(
            _("The index key in force is missing: nobody is found again until AVAIN_INDEX_KEY holds it.")
        )
    elif indexed is False:
        console().print(_("People are found again by the former index key: avain keys rotate changes that."))
    if any(one.state == "needed" for one in found):
        console().print(_("To have everything sealed with the first key: avain keys rotate"))
    if any(one.state == "idle" and not one.derived for one in found):
        console().print(
            _("Keep a dropped key in its safe place for as long as copies of the database are kept that it opens.")
        )


def _print_done(key: str, waiting: int, done: "Progress | None", *, reindexed: bool) -> None:
    if done is None:
        console().print(_("To be sealed anew with {key}: {count}").format(key=key, count=number(waiting)))
        if reindexed:
            console().print(_("And the index of everybody is made anew with the first key of AVAIN_INDEX_KEY."))
        return
    figures = ", ".join(f"{count_name(name)} {number(count)}" for name, count in done.counts.items())
    said = _("{key}: {outcome} ({seconds} s)").format(
        key=key, outcome=outcome_name(done.outcome), seconds=f"{done.seconds:.1f}"
    )
    console().print(said + (f": {figures}" if figures else ""))
    if done.message is not None:
        complaints().print(str(done.message))
    console().print(_("Which keys may be dropped now: avain keys status"))
