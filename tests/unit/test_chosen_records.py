"""Choosing records of a delta to be tried again: the last word about a case is left as it is."""

from collections.abc import Collection, Mapping

import pytest

from connectors.cases.chosen import OnlyChosen, Place
from connectors.cases.contract import fetched
from connectors.cases.record import FoundRecord
from connectors.cases.xml.client import XmlCases
from tests.support.case_xml import case, export


def written(_ids: Collection[str]) -> Mapping[str, int]:
    return {"B": 5}


@pytest.mark.parametrize(("rank", "chosen"), [(0, []), (1, ["closed"])])
def test_what_a_later_file_of_the_same_run_says_stays(rank: int, chosen: list[str]) -> None:
    """A profile that was put right reads the record in the first file now; the second file was newer then."""
    with fetched({"1.xml": export(case("B")), "2.xml": export(case("B", status="closed"))}) as files:
        ((_, met),) = XmlCases().read(files[:1], identity="none")
        place = Place(7, 5, files[rank].name, files[rank].sha256, met.position, "B")
        only = OnlyChosen(XmlCases(), [place], by_id=False, written_by=written)
        found = [one.record.status for _, one in only.read(files, identity="none") if isinstance(one, FoundRecord)]
    assert found == chosen
    assert only.found == {7}
    assert only.overtaken == (set() if chosen else {7})
