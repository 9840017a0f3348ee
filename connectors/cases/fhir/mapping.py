"""From an EpisodeOfCare and what belongs to it to the canonical record (docs/sources/fhir.md has the table).

Values are only brought into the record's form here; connectors/cases/record.py judges them. What a reference points at must be there:
a worker, a unit or a client's turvakielto is never guessed.
"""

from collections.abc import Iterator
from typing import Any, Final

from connectors.cases.fhir import values, wire
from connectors.cases.fhir.grouping import Grouped
from connectors.cases.fhir.values import Extensions, FaultError, Names
from connectors.cases.record import MAX_GOALS
from connectors.rejection import quote_code
from core.errors import Message
from core.source_settings import FhirReading

_STATUS: Final = {
    **dict.fromkeys(("planned", "waitlist", "active", "onhold"), "open"),
    **dict.fromkeys(("finished", "cancelled", "entered-in-error"), "closed"),
}
#: Plans that are no decision (yet, or any more), and requests that were never meant or are withdrawn.
NO_DECISION: Final = frozenset({"draft", "revoked", "entered-in-error"})
_NO_ITEM: Final = frozenset({"revoked", "entered-in-error"})
_NO_GOAL: Final = frozenset({"rejected", "cancelled", "entered-in-error"})
_EURO: Final = "EUR"

Record = dict[str, Any]


class Mapping:
    """Reads the cases of one file."""

    def __init__(self, store: Grouped, reading: FhirReading, *, keep_identity: bool) -> None:
        self._store, self._reading, self._keep_identity = store, reading, keep_identity
        self._extensions, self._names = Extensions(reading), Names(store.one, reading)

    def record(self, episode: wire.Resource) -> Record:
        """A case under the canonical names; values are texts, absent ones are absent. Raises FaultError."""
        plans = [one for one in self._store.plans(episode) if wire.text(one, "status") not in NO_DECISION]
        requests = [(plan, one) for plan in plans for one in self._store.requests(plan)]
        extensions = self._extensions
        responsible = self._names.worker(wire.parts(episode, "careManager"), "responsible_worker")
        return _without_none(
            {
                "external_id": episode["id"],
                "status": _status(episode),
                "client": self._client(episode),
                "responsible_worker": responsible,
                "co_worker": self._co_worker(episode, plans, responsible),
                "supervisor": self._supervisor(episode),
                "unit": self._names.unit(wire.parts(episode, "managingOrganization"), "unit"),
                "assessment_date": extensions.value(episode, "assessment-date"),
                "plan_date": extensions.value(episode, "plan-date"),
                "kykyviisari_date": extensions.value(episode, "kykyviisari-date"),
                "support_person": extensions.value(episode, "support-person"),
                "goals": self._goals(plans),
                "decisions": [self._decision(one) for one in plans],
                "plan_items": [
                    self._item(plan, one) for plan, one in requests if wire.text(one, "status") not in _NO_ITEM
                ],
            }
        )

    def _client(self, episode: wire.Resource) -> Record:
        client = self._one(episode, "patient", "Patient", "client")
        if client is None:
            raise FaultError("client", Message("A value that must be there is missing."))
        labels = {str(found) for found in wire.parts(client, "meta", "security", "code")}
        found: Record = {
            "external_id": client["id"],
            "non_disclosure": not labels.isdisjoint(self._reading.non_disclosure),
        }
        who = _who(client) if self._keep_identity else {}
        return {**found, "identity": who} if who else found

    def _co_worker(self, episode: wire.Resource, plans: list[wire.Resource], responsible: str | None) -> str | None:
        """The first member of the care teams who is a worker, and not the responsible one."""
        kinds = ("CareTeam",)
        keys = wire.targets(episode, "team", kinds=kinds)
        keys += [key for plan in plans for key in wire.targets(plan, "careTeam", kinds=kinds)]
        for key in dict.fromkeys(keys):
            for member in wire.parts(self._need(key, "co_worker"), "participant", "member"):
                if wire.targets(member, kinds=("Practitioner", "PractitionerRole")):
                    name = self._names.worker(member, "co_worker")
                    if name != responsible:
                        return name
        return None

    def _supervisor(self, episode: wire.Resource) -> str | None:
        found = self._extensions.find(episode, "supervisor")
        return None if found is None else self._names.worker(wire.parts(found, "valueReference"), "supervisor")

    def _goals(self, plans: list[wire.Resource]) -> list[str]:
        """The first goals that were not given up; there is room for three."""
        goals = (goal for plan in plans for goal in self._goals_of(plan))
        kept = (goal for goal in goals if wire.text(goal, "lifecycleStatus") not in _NO_GOAL)
        texts = (wire.text(goal, "description", "text") for goal in kept)
        return list(dict.fromkeys(text for text in texts if text is not None))[:MAX_GOALS]

    def _goals_of(self, plan: wire.Resource) -> Iterator[wire.Resource]:
        """Goals of their own, and those that the plan holds itself (`#id`)."""
        inside = {f"#{wire.text(one, 'id')}": one for one in wire.parts(plan, "contained")}
        for literal in (str(one) for one in wire.parts(plan, "goal", "reference")):
            key = wire.pointed_at(literal)
            found = inside.get(literal) if key is None else self._store.one(key)
            if found is None:
                raise FaultError("goals", values.unreadable(literal))
            yield found

    def _decision(self, plan: wire.Resource) -> Record:
        numbers = values.identifier(plan, self._reading.decision_system)
        return _without_none(
            {
                "external_id": plan["id"],
                "number": numbers[0] if numbers else None,
                "stand_date": self._extensions.value(plan, "stand-date"),
                "decided_on": values.day(wire.text(plan, "created")),
                "valid_from": values.day(wire.text(plan, "period", "start")),
                "valid_to": values.day(wire.text(plan, "period", "end")),
                "granted_amount": self._granted(plan),
                "baseline": self._baseline(plan),
            }
        )

    def _granted(self, plan: wire.Resource) -> str | None:
        found = self._extensions.find(plan, "granted-amount")
        currency = wire.text(found, "valueMoney", "currency")
        if currency not in {None, _EURO}:
            raise FaultError("decisions.granted_amount", Message("The amount is not in euros."))
        return wire.text(found, "valueMoney", "value") or values.simple(found)

    def _baseline(self, plan: wire.Resource) -> Record | None:
        found = self._extensions.find(plan, "baseline")
        if found is None:
            return None
        service, quantity = values.inner(found, "service"), wire.parts(values.inner(found, "quantity"), "valueQuantity")
        field = "decisions.baseline.service"
        coded = values.code(wire.parts(service, "valueCodeableConcept"), self._reading.service_system, field)
        return _without_none(
            {
                "service": coded or values.simple(service),
                "quantity": wire.text(quantity, "value"),
                "unit": values.unit(quantity),
            }
        )

    def _item(self, plan: wire.Resource, request: wire.Resource) -> Record:
        period = wire.parts(request, "occurrencePeriod") or wire.parts(
            request, "occurrenceTiming", "repeat", "boundsPeriod"
        )
        quantity = wire.parts(request, "quantityQuantity")
        organisations = [one for one in wire.parts(request, "performer") if _may_be_provider(one)]
        rhythm = self._extensions.find(request, "follow-up")
        return _without_none(
            {
                "external_id": request["id"],
                "decision": plan["id"],
                "service": values.code(wire.parts(request, "code"), self._reading.service_system, "plan_items.service"),
                "quantity": wire.text(quantity, "value"),
                "unit": values.unit(quantity),
                "start": values.day(wire.text(period, "start")),
                "end": values.day(wire.text(period, "end")),
                "provider": self._names.provider(organisations[0], "plan_items.provider") if organisations else None,
                "follow_up": _rhythm(rhythm) if rhythm is not None else None,
            }
        )

    def _one(self, resource: wire.Resource, element: str, kind: str, field: str) -> wire.Resource | None:
        """What a reference points at; None without one. Raises FaultError when it is not there."""
        literal = wire.text(resource, element, "reference")
        if literal is None:
            return None
        key = wire.pointed_at(literal)
        found = self._store.one(key) if key is not None and key[0] == kind else None
        if found is None:
            raise FaultError(field, values.unreadable(literal))
        return found

    def _need(self, key: wire.Key, field: str) -> wire.Resource:
        found = self._store.one(key)
        if found is None:
            raise FaultError(field, values.unreadable("/".join(key)))
        return found


def _status(episode: wire.Resource) -> str:
    found = wire.text(episode, "status")
    if found not in _STATUS:
        raise FaultError(
            "status",
            Message(
                "{value} is not known; known are: {expected}",
                value=quote_code(found or ""),
                expected=", ".join(_STATUS),
            ),
        )
    return _STATUS[found]


def _may_be_provider(performer: Any) -> bool:
    """An Organization, or something that Avain cannot see: then the case is rejected rather than the provider lost."""
    literal = wire.text(performer, "reference")
    if literal is None:
        return bool(values.identifier(performer, None))
    key = wire.pointed_at(literal)
    return key is None or key[0] == "Organization"


def _who(client: wire.Resource) -> Record:
    """The henkilötunnus and the name in use, where the source gives them."""
    codes = values.identifier(client, wire.HENKILOTUNNUS)
    names = sorted(wire.parts(client, "name"), key=lambda one: wire.text(one, "use") != "official")
    name = None
    if names:
        spelled = [*map(str, wire.parts(names[0], "given")), *map(str, wire.parts(names[0], "family"))]
        name = wire.text(names[0], "text") or " ".join(spelled) or None
    return _without_none({"henkilotunnus": codes[0] if codes else None, "name": name})


def _rhythm(extension: dict[str, Any]) -> Record:
    names = {
        "start_working_days": "start-working-days",
        "interval_days": "interval-days",
        "before_end_days": "before-end-days",
        "plan_review_months": "plan-review-months",
    }
    return _without_none({ours: values.simple(values.inner(extension, theirs)) for ours, theirs in names.items()})


def _without_none(record: Record) -> Record:
    return {name: value for name, value in record.items() if value is not None}
