"""The promises of a case connector (connectors/cases/base.py), as tests for pytest. For one of your own:

class TestMine(CaseConnectorContract):
    connector = MyConnector()

    def write(self, records): ...

Put `pytest.register_assert_rewrite("connectors.cases.contract")` into your conftest.py, and failures show their values.
"""

import tempfile
import tracemalloc
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from connectors.cases.base import CaseConnector, Found, IdentityMode, RefusedFile
from connectors.cases.record import CaseRecord, FoundRecord
from connectors.rejection import Rejection
from connectors.transports.base import SourceFile

WHO = {"henkilotunnus": "131052-9074", "name": "Aino Keksitty"}
WRONG_WHO = {"henkilotunnus": "131052-907X", "name": "Aino Keksitty"}
PEOPLE = (("C-1", WHO), ("C-2", WRONG_WHO))


def a_record(external_id: str = "C-1", **over: Any) -> dict[str, Any]:
    """A case under the canonical names, values as texts; every field of the record is there."""
    return {
        "external_id": external_id, "client": {"external_id": f"K-{external_id}", "non_disclosure": "true"},
        "responsible_worker": "W-101", "co_worker": "W-102", "supervisor": "W-103", "unit": "U-1", "status": "open", "support_person": "true",
        "assessment_date": "2026-09-28", "plan_date": "2026-10-19", "kykyviisari_date": "2026-10-20", "goals": ["Eka äö", "Toka & <kolmas>"],
        "decisions": [
            {"external_id": "D-1", "number": "P-1", "stand_date": "2026-11-05", "decided_on": "2026-11-09", "valid_from": "2026-11-16",
             "valid_to": "2027-02-28", "baseline": {"service": "PERHETYO", "quantity": "12", "unit": "C62"}},
            {"external_id": "D-2", "granted_amount": "900.00"},
        ],
        "plan_items": [
            {"external_id": "I-1", "decision": "D-1", "service": "NEPSY", "quantity": "10.5", "unit": "HUR", "start": "2026-11-23",
             "end": "2027-02-22", "provider": "9999994-1", "follow_up": {"interval_days": "21", "plan_review_months": "6"}},
        ],
        **over,
    }  # fmt: skip


@contextmanager
def fetched(files: Mapping[str, bytes]) -> Iterator[list[SourceFile]]:
    """The files as a transport hands them over."""
    with tempfile.TemporaryDirectory() as folder:
        found = []
        for name, content in files.items():
            digest = sha256(content).hexdigest()
            path = Path(folder) / f"{digest}-{name}"
            path.write_bytes(content)
            found.append(SourceFile(path, name, digest, len(content)))
        yield found


class CaseConnectorContract(ABC):
    """Set `connector`, and write records (canonical names, values as texts) in the form it reads."""

    connector: CaseConnector

    @abstractmethod
    def write(self, records: Sequence[dict[str, Any]]) -> dict[str, bytes]:
        """The file or files of the records, in this order, by name."""

    def read(self, files: Mapping[str, bytes], identity: IdentityMode = "none") -> list[Found]:
        with fetched(files) as found:
            return [one for _, one in self.connector.read(found, identity=identity)]

    def test_it_is_a_connector(self) -> None:
        assert isinstance(self.connector, CaseConnector)

    def test_every_field_arrives_as_the_canonical_record(self) -> None:
        (found,) = self.read(self.write([a_record()]))
        assert isinstance(found, FoundRecord)
        assert found.record == CaseRecord.model_validate(a_record())

    def test_records_come_in_the_files_order_each_with_a_place_of_its_own(self) -> None:
        found = self.read(self.write([a_record(f"C-{n}") for n in (3, 1, 2)]))
        assert [one.record.external_id for one in found if isinstance(one, FoundRecord)] == ["C-3", "C-1", "C-2"]
        assert len({one.position for one in found}) == 3

    def test_a_record_that_is_wrong_is_rejected_with_its_id_and_field_and_the_rest_goes_on(self) -> None:
        found = self.read(self.write([a_record("C-1"), a_record("C-2", status="asleep"), a_record("C-3")]))
        assert [type(one) for one in found] == [FoundRecord, Rejection, FoundRecord]
        bad = found[1]
        assert isinstance(bad, Rejection)
        assert (bad.external_id, bad.field) == ("C-2", "status")

    def test_identity_is_dropped_before_anything_looks_at_it(self) -> None:
        records = [a_record(id_, client={"external_id": "K", "identity": who}) for id_, who in PEOPLE]
        for found in self.read(self.write(records)):
            assert isinstance(found, FoundRecord), "nobody looked whether it is right"
            assert found.record.client.identity is None

    def test_identity_is_kept_and_checked_where_it_will_be_sealed(self) -> None:
        records = [a_record(id_, client={"external_id": "K", "identity": who}) for id_, who in PEOPLE]
        good, bad = self.read(self.write(records), "sealed")
        assert isinstance(good, FoundRecord)
        assert good.record.client.identity is not None
        assert good.record.client.identity.henkilotunnus == WHO["henkilotunnus"]
        assert isinstance(bad, Rejection)
        assert "907" not in str(bad.reason.to_json())

    @pytest.mark.parametrize("kept", [0.5, 0.99])
    def test_a_file_cut_short_is_refused(self, kept: float) -> None:
        files = self.write([a_record(f"C-{n}") for n in range(20)])
        for name, content in files.items():
            with pytest.raises(RefusedFile) as refused:
                self.read({**files, name: content[: int(len(content) * kept)]})
            assert refused.value.file == name

    @pytest.mark.parametrize("content", [b"", b"\x00\xff\x00", b"hello"])
    def test_a_file_of_something_else_is_refused(self, content: bytes) -> None:
        files = self.write([a_record()])
        for name in files:
            with pytest.raises(RefusedFile):
                self.read({**files, name: content})

    def test_an_export_without_cases_is_no_fault(self) -> None:
        assert self.read(self.write([])) == []

    def test_it_keeps_nothing_from_one_reading_to_the_next(self) -> None:
        files = self.write([a_record("C-1"), a_record("C-2", status="asleep")])
        with fetched(files) as found:
            reading = self.connector.read(found, identity="none")
            first = next(reading)
            assert self.read(files) == self.read(files)
            assert [one for _, one in [first, *reading]] == self.read(files)

    def test_everything_found_says_in_which_file(self) -> None:
        with fetched(self.write([a_record("C-1"), a_record("C-2", status="asleep")])) as files:
            assert all(file in files for file, _ in self.connector.read(files, identity="none"))

    def test_memory_does_not_grow_with_the_file(self) -> None:
        def peak(number: int) -> int:
            with fetched(self.write([a_record(f"C-{n}") for n in range(number)])) as files:
                tracemalloc.start()
                try:
                    for _ in self.connector.read(files, identity="none"):
                        pass
                    return tracemalloc.get_traced_memory()[1]
                finally:
                    tracemalloc.stop()

        peak(10)
        assert peak(1_000) < 2 * peak(100) + 500_000
