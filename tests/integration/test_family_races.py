"""Two people at the same moment, over two real connections: what the first did holds, and the second is told what that was.

The first has done its act and not committed; the second begins, waits for it in the database, and goes on when the first has committed.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from core.database import make_engine
from core.embedded import Embedded
from core.errors import InputError
from core.keys import wish_sealer
from core.order_settings import Orders
from core.settings import Organisation
from models.case import Choice
from models.family import FamilyProposal, FamilyWish
from services.family import proposals, wishes
from services.family.overtaking import overtake_all
from services.family.proposals import Shown
from services.family.sessions import FamilyCase
from services.orders.approving.approval import approve
from services.orders.approving.choosing import AlreadyOrderedError, choose
from tests.factories.case import make_plan_item
from tests.factories.price import make_price
from tests.support.browsing import settings_for
from tests.support.market import NOW, SETTINGS, TODAY
from tests.support.ordering import World, make_orderable_provider, make_world

Act = Callable[[Session], Any]


class Two:
    """A case whose service is chosen at one provider and offered by another, in a database of its own."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        with Session(engine, expire_on_commit=False) as session:
            self.world: World = make_world(session)
            self.other = make_orderable_provider(session, self.world.service)
            make_price(session, self.world.service, self.other, "90.00")
            session.commit()
            self.choice = session.scalars(select(Choice).filter_by(plan_item_id=self.world.item.id)).one().id
        self.case = FamilyCase(self.world.case.id, self.world.case.number, open=True)

    def at_once(self, first: Act, second: Act) -> tuple[Any, Any]:
        """What either comes to; an error of ours is what it says."""
        with Session(self.engine) as one, ThreadPoolExecutor(1) as pool:
            done = first(one)
            later = pool.submit(self.alone, second)
            self._until_it_waits(later)
            one.commit()
            return done, later.result(20)

    def alone(self, act: Act) -> Any:
        with Session(self.engine) as session:
            try:
                done = act(session)
            except InputError as error:
                return error
            session.commit()
            return done

    def _until_it_waits(self, later: Any) -> None:
        with Session(self.engine) as watching:
            for _ in range(2_000):
                waiting = watching.execute(
                    text("SELECT count(*) FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                         " OR NOT granted AND locktype = 'transactionid'")
                ).scalar_one()  # fmt: skip
                watching.commit()
                if waiting or later.done():
                    return
        raise AssertionError("the second neither waited nor came to an end")

    def propose(self, actor: str = "family:link-1") -> Act:
        total = self.total()
        shown = Shown(self.other.id, total, self.choice)
        item = self.world.item.external_id
        return lambda session: proposals.propose(
            session, self.case, item, shown, voice="parent", actor=actor, now=NOW, budgets=SETTINGS
        )

    def total(self) -> Decimal | None:
        from services.compare import compare_choice

        with Session(self.engine) as session:
            _found, offer = compare_choice(
                session, self.case.number, self.world.item.external_id, self.other.id, today=TODAY, settings=SETTINGS
            )
        return None if offer is None else offer.total

    def withdraw(self, proposal: int) -> Act:
        return lambda session: proposals.withdraw(session, self.case, proposal, actor="family:link-1", now=NOW)

    def confirm(self, proposal: int) -> Act:
        return lambda session: (
            proposals.confirm(
                session, proposal, actor="worker:W-1", reason="niin", now=NOW, budgets=SETTINGS, language="fi"
            ).id
        )

    def decline(self, proposal: int) -> Act:
        return lambda session: proposals.decline(session, proposal, actor="worker:W-1", reason="ei nyt", now=NOW)

    def choose(self) -> Act:
        return lambda session: choose(
            session, self.world.item.id, self.other.id, chosen_by="parent", actor="worker:W-1", reason="niin", now=NOW, budgets=SETTINGS
        ).id  # fmt: skip

    def approve(self) -> Act:
        return lambda session: approve(
            session, [self.world.item.id], approver="worker:W-1", reason="", now=NOW, settings=Orders(), organisation=ORGANISATION, budgets=SETTINGS
        )  # fmt: skip

    def states(self) -> list[str]:
        with Session(self.engine) as session:
            return list(session.scalars(text("SELECT state FROM family_proposal ORDER BY id")))


ORGANISATION = Organisation(
    name="Esimerkin hyvinvointialue (keksitty)", business_id="9999999-2", endpoint_id="003799999992"
)


@pytest.fixture
def two(database: Embedded) -> Iterator[Two]:
    engine = make_engine(database.database_url)
    yield Two(engine)
    engine.dispose()


def test_two_browsers_of_a_family_propose_at_once(two):
    first, second = two.at_once(two.propose(), two.propose("family:link-2"))
    assert isinstance(first, int)
    assert "is proposed for this already" in str(second)
    assert two.states() == ["open"]
    again = two.alone(two.propose())
    assert again == first, "the same sent twice is one"


def test_the_worker_confirms_while_the_family_takes_it_back(two):
    proposal = two.alone(two.propose())
    _, late = two.at_once(two.confirm(proposal), two.withdraw(proposal))
    assert "Your worker has confirmed the proposal already." in str(late)
    assert two.states() == ["confirmed"]


def test_the_family_takes_it_back_while_the_worker_confirms_or_declines(two):
    for act in (two.confirm, two.decline):
        proposal = two.alone(two.propose())
        _, late = two.at_once(two.withdraw(proposal), act(proposal))
        assert "The family has taken this proposal back." in str(late)
    with Session(two.engine) as session:
        assert session.scalars(select(Choice)).one().id == two.choice, "nothing was chosen"


def test_two_workers_answer_at_once(two):
    proposal = two.alone(two.propose())
    _, late = two.at_once(two.decline(proposal), two.confirm(proposal))
    assert "This proposal is declined already." in str(late)
    proposal = two.alone(two.propose())
    _, late = two.at_once(two.confirm(proposal), two.confirm(proposal))
    assert "This proposal is confirmed already." in str(late)
    assert two.states() == ["declined", "confirmed"]


def test_somebody_chooses_while_it_is_proposed_or_confirmed(two):
    _, late = two.at_once(two.choose(), two.propose())
    assert "Your worker has written down a choice meanwhile" in str(late)
    assert two.states() == []


def test_a_proposal_made_first_is_overtaken_by_the_choice_that_waited(two):
    two.at_once(two.propose(), two.choose())
    assert two.states() == ["overtaken"]
    with Session(two.engine) as session:
        one = session.scalars(select(FamilyProposal)).one()
        assert (one.decided_why, one.decided_by) == ("chosen", "worker:W-1")


def test_what_is_ordered_meanwhile_is_neither_proposed_nor_confirmed_nor_chosen(two):
    proposal = two.alone(two.propose())
    approved, late = two.at_once(two.approve(), two.confirm(proposal))
    assert approved.orders, approved.refused
    assert "the service has been ordered" in str(late)
    assert isinstance(two.alone(two.choose()), AlreadyOrderedError)
    with Session(two.engine) as session:
        assert overtake_all(session, today=TODAY, now=NOW) == 1
        assert overtake_all(session, today=TODAY, now=NOW) == 0
        session.commit()
    assert two.states() == ["overtaken"]


def test_who_waited_for_an_order_to_be_made_chooses_nobody_else(two):
    approved, late = two.at_once(two.approve(), two.choose())
    assert approved.orders, approved.refused
    assert isinstance(late, AlreadyOrderedError)


def test_an_item_that_ends_meanwhile_is_told(two):
    def end(session: Session) -> None:
        session.execute(text("SELECT FROM plan_item WHERE id = :id FOR NO KEY UPDATE"), {"id": two.world.item.id})
        session.execute(text("UPDATE plan_item SET ended_at = now() WHERE id = :id"), {"id": two.world.item.id})

    proposal = two.alone(two.propose())
    _, late = two.at_once(end, two.confirm(proposal))
    assert "This proposal is no longer open: the service has ended" in str(late)
    with Session(two.engine) as session:
        assert overtake_all(session, today=TODAY, now=NOW) == 1
        assert session.execute(text("SELECT decided_why FROM family_proposal")).scalar_one() == "ended"


def test_a_wish_sent_twice_at_once_is_one(two):
    sealer = wish_sealer(settings_for())
    place = wishes.new_place()

    def send(session: Session) -> bool:
        return wishes.write(
            session, two.case, place=place, ticks=["time"], words="iltaisin", voice="child", actor="family:link-1", sealer=sealer, now=NOW
        )  # fmt: skip

    assert two.at_once(send, send) == (True, False)
    with Session(two.engine) as session:
        assert len(list(session.scalars(select(FamilyWish)))) == 1


def test_many_planned_services_are_no_more_statements(two):
    """Overtaking is one statement however many proposals there are."""
    with Session(two.engine) as session:
        for _ in range(3):
            item = make_plan_item(session, two.world.decision, two.world.service)
            session.add(
                FamilyProposal(
                    case_id=two.case.case_id, plan_item_id=item.id, provider_id=two.other.id, voice="child",
                    offer={"choice": 0}, proposed_by="family:link-1", proposed_at=NOW,
                )
            )  # fmt: skip
        session.flush()
        assert overtake_all(session, today=TODAY, now=NOW) == 0
        session.execute(text("UPDATE client_case SET status = 'closed'"))
        assert overtake_all(session, today=TODAY, now=NOW) == 3
