"""What was found, as sentences ready for the case record (asiakaskertomus): copied there once, so that nothing is written twice.

No name stands in it: the client's record is the client's own, and who followed up is there by their id.
"""

from datetime import date
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import local_date
from core.errors import InputError, NotFound
from core.i18n import LANGUAGES, N_, _, day, speaking
from services.follow_ups.findings import RECORDED, rater_label
from services.follow_ups.ratings import CHOSEN_THEN
from services.follow_ups.words import kind_label
from services.labels import SERVICE_NAME

#: Rows in: a follow-up and a language. Rows out: what is told of it. The provider is the one that was chosen when it was settled.
_ONE: Final = text(
    f"""
    SELECT follow_up.id, follow_up.kind, follow_up.state, follow_up.rating, follow_up.rated_by, follow_up.findings,
           follow_up.settled_at, follow_up.settled_by, client_case.number,
           {SERVICE_NAME} AS service,
           (SELECT provider.name FROM choice JOIN provider ON provider.id = choice.provider_id
            WHERE {CHOSEN_THEN}
            ORDER BY choice.id DESC LIMIT 1) AS provider
    FROM follow_up
    JOIN client_case ON client_case.id = follow_up.case_id
    LEFT JOIN plan_item ON plan_item.id = follow_up.plan_item_id
    LEFT JOIN service ON service.id = plan_item.service_id
    WHERE follow_up.id = :id
    """  # noqa: S608 - our own words
)

_SENTENCES: Final = {
    ("runs_as_agreed", "yes"): N_("The service runs as agreed."),
    ("runs_as_agreed", "partly"): N_("The service runs partly as agreed."),
    ("runs_as_agreed", "no"): N_("The service does not run as agreed."),
    ("supports_goals", "yes"): N_("It supports the agreed goals."),
    ("supports_goals", "partly"): N_("It supports the agreed goals partly."),
    ("supports_goals", "no"): N_("It does not support the agreed goals."),
    ("new_ways_in_daily_use", "yes"): N_("Tools and new ways are in daily use."),
    ("new_ways_in_daily_use", "partly"): N_("Tools and new ways are partly in daily use."),
    ("new_ways_in_daily_use", "no"): N_("Tools and new ways are not in daily use."),
    ("family_present", "yes"): N_("The family was present."),
    ("family_present", "no"): N_("The family was not present."),
    ("end_result", "need_met"): N_("At the end: the need is met."),
    ("end_result", "continues"): N_("At the end: the service continues."),
    ("end_result", "heavier_service"): N_("At the end: a heavier service is needed."),
}


def record_text(session: Session, follow_up_id: int, language: str) -> str:
    """The text about an acknowledged follow-up, in one of core.i18n.LANGUAGES; lines end with a line feed, the last one without.

    Raises NotFound, or InputError for another language, and for what is not (yet) acknowledged or belongs in no record.
    """
    if language not in LANGUAGES:
        raise InputError("The text is made in these languages: {languages}", languages=", ".join(LANGUAGES))
    row = session.execute(_ONE, {"id": follow_up_id, "language": language}).one_or_none()
    if row is None:
        raise NotFound("There is no follow-up {id}.", id=follow_up_id)
    if row.state != "acknowledged" or row.kind not in RECORDED:
        raise InputError("There is nothing to write down: follow-up {id} is not acknowledged.", id=follow_up_id)
    with speaking(language):
        return "\n".join(_lines(row))


def _lines(row: Any) -> list[str]:
    lines = [f"{day(local_date(row.settled_at))} {kind_label(row.kind)}, {row.number}"]
    if row.service and row.provider:
        lines.append(_("Service: {service}, {provider}").format(service=row.service, provider=row.provider))
    elif row.service:
        lines.append(_("Service: {service}").format(service=row.service))
    findings = row.findings
    said = [_(sentence) for (name, answer), sentence in _SENTENCES.items() if findings.get(name) == answer]
    end = [] if "end_result" not in findings else [said.pop()]
    lines += [" ".join(said)] if said else []
    if row.rating is not None and row.rated_by is not None:
        lines.append(_("Rating {rating}/5, given by {who}.").format(rating=row.rating, who=rater_label(row.rated_by)))
    if "kykyviisari_date" in findings:
        lines.append(_kykyviisari(findings))
    lines += end
    if row.settled_by is not None:
        lines.append(_("Followed up by: {who}").format(who=row.settled_by.removeprefix("worker:")))
    return lines


def _kykyviisari(findings: dict[str, str]) -> str:
    done = day(date.fromisoformat(findings["kykyviisari_date"]))
    reference = findings.get("kykyviisari_reference")
    if reference:
        return _("Kykyviisari was done on {date}, reference {reference}.").format(date=done, reference=reference)
    return _("Kykyviisari was done on {date}.").format(date=done)
