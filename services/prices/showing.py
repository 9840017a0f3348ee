"""A price list as a page shows it, whatever became of it: what it is, what it would change or has changed, what was left out of it.

A list may have 200,000 prices: of a plan that waits only the packages of one page are unpacked (keeping.py), what was applied is asked of the
database page by page.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.rejection import Rejection
from core.errors import Message, NotFound
from services.prices.keeping import LINES as PAGE
from services.prices.keeping import SIGNS, Kept, fingerprint, unpacked
from services.prices.values import Change, doubts

#: What a page can be narrowed to, by the sign of its lines.
KINDS_OF_CHANGE: Final = {"added": "+", "changed": "~", "ended": "-"}
_CHANGES: Final = TypeAdapter(list[Change])

#: Rows in: a list. Rows out: it, its provider, the run that read it, the list that undid it, and the upload it came by.
_ONE: Final = text(
    """
    SELECT price_list.id, price_source.name AS source, price_source.kind, provider.id AS provider_id, provider.business_id, provider.name AS provider,
           price_list.run_id, file_name, sha256, state, price_list.counts, price_list.recorded_at, rolls_back_list_id, run.message,
           plan -> 'held' AS held, plan -> 'effect' AS effect, plan ->> 'fingerprint' AS shown,
           jsonb_build_object('~', plan #> '{lines,~,count}', '+', plan #> '{lines,+,count}', '-', plan #> '{lines,-,count}') AS line_counts,
           undone.id AS undone_by, upload.id AS upload_id, upload.actor AS brought_by, coalesce(upload.kept, false) AS kept,
           upload.reason AS upload_reason, upload.columns, applied_order
    FROM price_list
    JOIN price_source ON price_source.id = price_list.source_id
    JOIN run ON run.id = price_list.run_id
    LEFT JOIN provider ON provider.id = price_source.provider_id
    LEFT JOIN LATERAL (
        SELECT id FROM price_list AS undoing WHERE rolls_back_list_id = price_list.id AND undoing.state = 'rollback' ORDER BY id DESC LIMIT 1
    ) AS undone ON true
    LEFT JOIN LATERAL (
        SELECT id, actor, content IS NOT NULL AS kept, reason, columns FROM price_upload
        WHERE price_list_id = price_list.id ORDER BY id DESC LIMIT 1
    ) AS upload ON true
    WHERE price_list.id = :id
    """
)

#: Rows in: a list that waits, signs and numbers of packages. Rows out: those packages.
_PACKAGES: Final = text(
    """
    SELECT plan #>> ARRAY['lines', wanted.sign, 'packages', CAST(wanted.number AS text)] AS package
    FROM price_list, unnest(CAST(:signs AS text[]), CAST(:numbers AS integer[])) WITH ORDINALITY AS wanted(sign, number, place)
    WHERE price_list.id = :id ORDER BY wanted.place
    """
)
#: Rows in: a list that waits since an earlier version of Avain, whose plan has no packages. Rows out: its plan.
_WHOLE_PLAN: Final = text("SELECT plan FROM price_list WHERE id = :id")

#: Rows in: a list that was applied. Rows out: what it changed: the versions it wrote, each with the price before it, and those it ended without
#: another; by service. `whole` is how many there are.
_CHANGED: Final = text(
    """
    WITH line AS (
        SELECT CASE WHEN before.amount IS NULL THEN '+' ELSE '~' END AS sign, written.price_key_id, before.amount AS old, written.amount AS new,
               lower(written.valid) AS first, written.position
        FROM price AS written
        LEFT JOIN LATERAL (
            SELECT amount FROM price AS ended
            WHERE ended.price_key_id = written.price_key_id AND ended.superseded_by_list_id = :id
            ORDER BY lower(ended.valid) > lower(written.valid), abs(lower(ended.valid) - lower(written.valid)) LIMIT 1
        ) AS before ON true
        WHERE written.price_list_id = :id AND written.copied_by_list_id IS NULL
        UNION ALL
        SELECT '-', ended.price_key_id, ended.amount, NULL, coalesce(upper(kept.valid), lower(ended.valid)), ''
        FROM price AS ended
        LEFT JOIN price AS kept ON kept.price_key_id = ended.price_key_id AND kept.copied_by_list_id = :id
            AND lower(kept.valid) = lower(ended.valid)
        WHERE ended.superseded_by_list_id = :id AND NOT EXISTS (
            SELECT FROM price AS written WHERE written.price_key_id = ended.price_key_id
                AND written.price_list_id = :id AND written.copied_by_list_id IS NULL)
    )
    SELECT sign, service.code AS service, price_key.unit, time_class, old, new, first, position, extra, base_quantity, minimum_quantity,
           territory, count(*) OVER () AS whole
    FROM line JOIN price_key ON price_key.id = price_key_id JOIN service ON service.id = service_id
    WHERE CAST(:sign AS text) IS NULL OR sign = :sign
    ORDER BY service.code, price_key.id, first LIMIT :limit OFFSET :offset
    """
)

#: Rows in: a run and a file. Rows out: what was left out of it, in its order; `whole` is how much.
_REJECTED: Final = text(
    """
    SELECT position, field, external_id, reason, count(*) OVER () AS whole FROM rejected_record
    WHERE run_id = :run_id AND file_sha256 = :sha256 AND NOT taken ORDER BY id LIMIT :limit OFFSET :offset
    """
)

#: Rows out: of each provider, and of our own unit costs, the list that was read last.
_LATEST: Final = text(
    """
    SELECT DISTINCT ON (price_source.provider_id)
        price_list.id, price_source.name AS source, provider.business_id, provider.name AS provider, file_name, state, counts, price_list.recorded_at
    FROM price_list JOIN price_source ON price_source.id = source_id LEFT JOIN provider ON provider.id = provider_id
    ORDER BY price_source.provider_id, price_list.id DESC
    """
)


@dataclass(frozen=True)
class ListView:
    """A list. `doubts`: why it waits, without what is no doubt; `shown` names the very plan that waits; `upload_id`, `brought_by`, `kept`: who brought the file, and
    whether it can be read again; `columns`: titles in it that nobody knows (`title, samples, meaning`). `line_counts`: how many lines of each sign wait; `unpackaged`: all of them, where an earlier version kept them. `why`: why it was refused.
    """

    id: int
    source: str
    own: bool
    provider_id: int | None
    business_id: str | None
    provider: str | None
    run_id: int
    file_name: str
    sha256: str
    state: str
    counts: dict[str, Any]
    recorded_at: datetime
    rolls_back: int | None
    undone_by: int | None
    upload_id: int | None
    brought_by: str | None
    kept: bool
    columns: list[dict[str, Any]]
    why: Message | None
    doubts: list[Message]
    effect: dict[str, Any] | None
    shown: str | None
    line_counts: dict[str, int]
    unpackaged: list[Change] | None = None

    @property
    def can_be_undone(self) -> bool:
        """Whether rolling back may be asked for; whether it can be done, later lists say."""
        return self.state in {"applied", "rollback"}


@dataclass(frozen=True)
class Lines:
    """One page of lines: the `number`-th of `pages`, of `whole` lines altogether."""

    lines: list[Any]
    number: int
    whole: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.whole // PAGE))


def list_view(session: Session, price_list_id: int) -> ListView:
    """A list, in whatever state. Raises NotFound."""
    row = session.execute(_ONE, {"id": price_list_id}).one_or_none()
    if row is None:
        raise NotFound("There is no price list {id}.", id=price_list_id)
    held = row.state == "held"
    old: dict[str, Any] = (
        session.execute(_WHOLE_PLAN, {"id": row.id}).scalar_one() if held and row.shown is None else {}
    )
    reason = row.upload_reason or row.message
    return ListView(
        row.id,
        row.source,
        row.kind == "own",
        row.provider_id,
        row.business_id,
        row.provider,
        row.run_id,
        row.file_name,
        row.sha256,
        row.state,
        row.counts,
        row.recorded_at,
        row.rolls_back_list_id,
        row.undone_by,
        row.upload_id,
        row.brought_by,
        row.kept,
        row.columns or [],
        Message.from_json(reason) if reason and row.state == "refused" else None,
        doubts((row.held or []) if held else []),
        row.effect if held else None,
        (row.shown or fingerprint(old)) if held else None,
        {sign: row.line_counts.get(sign) or 0 for sign in SIGNS},
        Kept.from_json(old).plan.changes if old else None,
    )


def changes_on_page(session: Session, found: ListView, number: int, only: str | None = None) -> Lines:
    """What the list would change, or has changed: page `number` (from 1) of `Change`s, `only` of one of KINDS_OF_CHANGE."""
    sign = KINDS_OF_CHANGE.get(only or "")
    if found.unpackaged is not None:
        lines = [one for one in found.unpackaged if sign in {None, one.sign}]
        return Lines(lines[(number - 1) * PAGE : number * PAGE], number, len(lines))
    return (
        _planned(session, found, number, sign) if found.state == "held" else _changed(session, found.id, number, sign)
    )


def rejected_on_page(session: Session, found: ListView, number: int) -> Lines:
    """What was left out of the list: page `number` of `Rejection`s."""
    values = {"run_id": found.run_id, "sha256": found.sha256, "limit": PAGE, "offset": (number - 1) * PAGE}
    rows = session.execute(_REJECTED, values).all()
    lines = [Rejection(row.position, row.field, row.external_id, Message.from_json(row.reason)) for row in rows]
    return Lines(lines, number, rows[0].whole if rows else 0)


def latest_lists(session: Session) -> list[dict[str, Any]]:
    """The list read last of each provider, our own unit costs first: `id, source, business_id, provider, file_name, state, counts, recorded_at`."""
    rows = [dict(row) for row in session.execute(_LATEST).mappings()]
    return sorted(rows, key=lambda row: (row["provider"] or "").casefold())


def _planned(session: Session, found: ListView, number: int, sign: str | None) -> Lines:
    """The lines of the packages that the page begins and ends in, of each sign."""
    signs = [sign] if sign else list(SIGNS)
    whole = sum(found.line_counts[one] for one in signs)
    first, last = (number - 1) * PAGE, min(number * PAGE, whole)
    wanted: list[tuple[str, int]] = []
    skipped, before = 0, 0
    for one in signs:
        count = found.line_counts[one]
        begins, ends = max(first - before, 0), min(last - before, count)
        if begins < ends:
            skipped = skipped if wanted else begins % PAGE
            wanted += [(one, at) for at in range(begins // PAGE, -(-ends // PAGE))]
        before += count
    values = {"id": found.id, "signs": [one for one, _ in wanted], "numbers": [at for _, at in wanted]}
    raw = [line for row in session.execute(_PACKAGES, values) for line in unpacked(row.package)]
    return Lines(_CHANGES.validate_python(raw[skipped : skipped + max(last - first, 0)]), number, whole)


def _changed(session: Session, price_list_id: int, number: int, sign: str | None) -> Lines:
    values = {"id": price_list_id, "sign": sign, "limit": PAGE, "offset": (number - 1) * PAGE}
    rows = session.execute(_CHANGED, values).all()
    return Lines([_change(row) for row in rows], number, rows[0].whole if rows else 0)


def _change(row: Any) -> Change:
    first: date = row.first
    return Change(
        row.sign,
        row.service,
        row.unit,
        row.time_class,
        row.old,
        row.new,
        _percent(row.old, row.new),
        first,
        row.position,
        row.extra,
        None,
        row.base_quantity,
        row.minimum_quantity,
        row.territory,
    )


def _percent(old: Decimal | None, new: Decimal | None) -> Decimal | None:
    return None if not old or new is None else round((new - old) / old * 100, 1)
