"""Turvakielto over two sources that know the same person: set later, by one of them alone, and taken back."""

from typing import Any

import pytest
from sqlalchemy import select, text
from sqlmodel import col

from core.errors import InputError
from core.family_settings import Family
from core.settings import Privacy
from models.case import Client
from models.family import FamilyLink
from models.worker import Worker
from services.access import Person, visible_cases
from services.access.cases import TIED, VISIBLE
from services.audit_of_case import case_of
from services.cases import case_view, is_non_disclosure
from services.family.links import make_link
from services.follow_ups.acting import hand_over_to
from services.reminders.gathering import hear_of
from services.statements.reading import statements
from tests.factories.follow_up import make_follow_up
from tests.factories.worker import make_worker
from tests.support.case_world import NOW, World
from tests.support.case_xml import case, decision, export, item

KEYS = {"seal_keys": "k1:" + "A" * 43 + "=", "index_key": "B" * 43 + "="}
SEALED: dict[str, Any] = {"privacy": {"privacy": Privacy(identity="sealed"), **KEYS}}
TODAY = NOW.date()
WHO = "<identity><henkilotunnus>131052-9074</henkilotunnus></identity>"


class Two:
    """Case A at one source, case B at another: W-101 is responsible for both, W-102 helps with both."""

    def __init__(self, world: World) -> None:
        self.world, self.session = world, world.session
        self.helper = world.session.scalars(select(Worker).filter_by(external_id="W-102")).one()

    def say(self, source: str, *, hidden: bool, more: str = "", identity: str = WHO) -> None:
        """A source brings its case, with a word about the person."""
        id_ = {"lifecare": "A", "effica": "B"}[source]
        told = case(
            id_,
            decision(f"D-{id_}"),
            item(f"I-{id_}", decision=f"D-{id_}"),
            client=f"K-{source}",
            more=f'<coWorker id="W-102"/>{more}',
        )
        one = f'<client id="K-{source}" nonDisclosure="{str(hidden).lower()}">{identity}</client>'
        self.world.source = source
        result = self.world.run(export(told.replace(f'<client id="K-{source}"/>', one)), **SEALED)
        assert result.state == "succeeded", result

    @property
    def numbers(self) -> list[str]:
        return [self.world.case(one).number for one in "AB"]

    def seen_by_helper(self) -> list[str]:
        """The cases that W-102 may see: the same by both forms of the rule."""
        person = Person(1, "s", "n", frozenset({"worker"}), self.helper.id, "W-102", None, everything=False, csrf="c")
        values = visible_cases(person, TODAY)
        found = self.session.scalars(text(f"SELECT number FROM client_case WHERE {VISIBLE} ORDER BY id"), values).all()
        tied = self.session.scalars(
            text(f"SELECT number FROM ({TIED}) AS tied JOIN client_case USING (id) ORDER BY id"), values
        )
        assert tied.all() == found
        return list(found)

    def said(self) -> set[bool]:
        """What every page and paper that warns is told of the two cases."""
        told = [one.non_disclosure for one in statements(self.session, numbers=self.numbers)]
        for number in self.numbers:
            told += [
                case_view(self.session, number).non_disclosure,
                case_of(self.session, number).non_disclosure,
                is_non_disclosure(self.session, number),
            ]
        return set(told)

    def link(self, number: str) -> int:
        return make_link(self.session, number, holder="client", actor="t", now=NOW, key=b"k" * 32, settings=Family()).id

    def ended(self) -> list[str | None]:
        return list(self.session.scalars(select(col(FamilyLink.ended_by)).order_by(col(FamilyLink.id))))


@pytest.fixture
def two(world: World) -> Two:
    made = Two(world)
    for source in ("lifecare", "effica"):
        made.say(source, hidden=False)
    return made


def test_what_one_source_says_later_hides_both_cases_until_it_takes_it_back(two: Two) -> None:
    session, colleague = two.session, make_worker(two.session)
    handed = make_follow_up(
        session, two.world.item("I-A"), handed_to_id=colleague.id, announced_on=TODAY, announced_times=1
    )
    for number in two.numbers:
        two.link(number)
    assert (two.seen_by_helper(), two.said(), two.ended()) == (two.numbers, {False}, [None, None])

    two.say("effica", hidden=True)
    assert (two.seen_by_helper(), two.said(), two.ended()) == ([], {True}, ["avain:source"] * 2)
    session.refresh(handed)
    assert (handed.handed_to_id, handed.announced_times) == (None, 0), "what a colleague was handed comes back"
    with pytest.raises(InputError, match="turvakielto"):
        hand_over_to(session, handed.id, colleague.external_id, actor="t", now=NOW, reason="loma")
    for number in two.numbers:
        with pytest.raises(InputError, match="turvakielto"):
            two.link(number)

    two.say("lifecare", hidden=False, more="<goal>Uusi</goal>")
    assert (two.seen_by_helper(), two.said()) == ([], {True}), "who lags behind does not lift it"

    two.say("effica", hidden=False)
    assert (two.seen_by_helper(), two.said()) == (two.numbers, {False})
    assert two.ended() == ["avain:source"] * 2, "a link does not live again"
    session.refresh(handed)
    assert handed.handed_to_id is None


def test_a_reminder_does_not_go_to_who_was_handed_it_in_the_moment_of_the_word(two: Two) -> None:
    """The hand-over and the synchronisation may pass each other; whoever hears of it is decided when mails are written."""
    session, colleague = two.session, make_worker(two.session)
    owner = session.scalars(select(Worker).filter_by(external_id="W-101")).one()
    handed = make_follow_up(session, two.world.item("I-A"), handed_to_id=colleague.id)
    assert hear_of(session, handed.id, TODAY) == {colleague.id}
    session.scalars(select(Client).filter_by(source="effica")).one().non_disclosure = True
    session.flush()
    assert hear_of(session, handed.id, TODAY) == {owner.id}


def test_without_identity_each_source_speaks_for_its_own(world: World) -> None:
    """Nothing tells then that it is the same person; said so in docs/security.md."""
    two = Two(world)
    two.say("lifecare", hidden=False, identity="")
    two.say("effica", hidden=True, identity="")
    assert two.seen_by_helper() == two.numbers[:1]
