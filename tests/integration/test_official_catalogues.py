"""The official example catalogues, price by price, where a copy of them lies beside the project (../shared/peppol).

Most are in Norwegian crowns and in boxes and kilograms, which we leave out. So each is read twice: as it is, and with its currency and
such units exchanged for ours, to see that every price and every day of it is read right.
"""

import re
from datetime import date
from decimal import Decimal

import pytest

from connectors.prices.row import Reading, Removal
from connectors.prices.ubl_catalogue import read_catalogue
from tests.support.orders import PEPPOL

pytestmark = [
    pytest.mark.official,
    pytest.mark.skipif(
        not (PEPPOL / "examples/Catalogue_Example.xml").is_file(),
        reason="THE OFFICIAL CATALOGUES WERE NOT READ: put the example documents of Peppol under ../shared/peppol/examples",
    ),
]
_FOREIGN_UNITS = re.compile(rb"\b(?:XBX|XCS|XBO|XAH|XRO|KGM)\b")


def read(name, *, in_our_terms=False):
    (path,) = PEPPOL.glob(f"*/**/{name}.xml")
    content = path.read_bytes()
    if in_our_terms:
        content = _FOREIGN_UNITS.sub(b"DAY", content.replace(b'"NOK"', b'"EUR"').replace(b'"MTK"', b'"KMT"'))
    return read_catalogue(content, file_name=path.name, reading=Reading())


def prices(document):
    return [
        (row.service, str(row.amount), row.unit, str(row.valid_from), str(row.valid_to), row.vat_rate)
        for row in document.rows
    ]


QUARTER, TWELVE = Decimal("0.25"), Decimal("0.12")
AUTUMN, HARVEST, LONG = ("2019-09-01", "2019-12-31"), ("2019-10-01", "2019-12-31"), ("2019-09-01", "2020-12-31")
PENS = {number: (number, "20", "DAY", *LONG, QUARTER) for number in ("2451015", "2451037", "2451027")}
CARTRIDGE = ("1038195", "504.5", "C62", *LONG, QUARTER)
PAPER = ("7690213", "145", "DAY", *AUTUMN, QUARTER)
REPAIR, CONSULTANT = ("123", "350", "HUR", *AUTUMN, QUARTER), ("55123", "1000", "HUR", *AUTUMN, QUARTER)


def apples(amount):
    return ("4747", amount, "DAY", *HARVEST, TWELVE)


@pytest.mark.parametrize(
    ("number", "complete", "expected", "removed"),
    [
        (1, False, [PENS["2451015"], PENS["2451037"], CARTRIDGE, PAPER, REPAIR, CONSULTANT, apples("23.75")], []),
        (2, False, [PENS["2451015"], PENS["2451027"]], [Removal("05790000436040", "3")]),
        (
            3,
            True,
            [
                *PENS.values(),
                CARTRIDGE,
                PAPER,
                REPAIR,
                CONSULTANT,
                apples("21.1"),
                ("1111", "35", "DAY", *AUTUMN, QUARTER),
                ("111", "198", "DAY", *AUTUMN, QUARTER),
                ("11", "3456", "DAY", *AUTUMN, QUARTER),
                ("D345gold", "160.58", "KMT", *LONG, QUARTER),
            ],
            [],
        ),
        (4, False, [], [Removal("05790000436057", "1")]),
        (
            6,
            False,
            [
                (item, amount, "C62", "2025-08-19", "2025-12-19", QUARTER)
                for item, amount in (("2451015", "20"), ("2451016", "15"), ("2451017", "45"))
            ],
            [],
        ),
    ],
)
def test_every_price_of_the_use_cases(number, complete, expected, removed):
    document = read(f"catalogue-wo-response-use-case-{number}", in_our_terms=True)
    assert document.rejections == []
    assert prices(document) == expected
    assert (document.complete, document.removals, document.contract) == (complete, removed, "3299-RA")
    as_it_is = read(f"catalogue-wo-response-use-case-{number}")
    assert (as_it_is.rows, as_it_is.removals) == ([], removed)
    assert {one.field for one in as_it_is.rejections} <= {"currency"}
    assert [one.external_id for one in as_it_is.rejections] == [item for item, *_ in expected]


@pytest.mark.parametrize("name", ["Catalogue_Example", "catalogue-wo-response-use-case-5"])
def test_every_price_of_the_examples_in_euros(name):
    document = read(name)
    first, second, *others = document.rows
    rate = Decimal("0.18")
    assert prices(document)[:2] == [
        ("MNTR011", "10", "C62", "2018-10-01", "2018-12-31", rate),
        ("MNTR012", "90", "C62", "2018-09-01", "2019-08-31", rate),
    ]
    assert (first.minimum_quantity, first.vat_category, first.vat_inclusive) == (1, "S", False)
    assert first.territory == "Storgt. 12, 4. etasje, Region, Address Line 3, 0585 Oslo, NO"
    assert (second.minimum_quantity, second.territory, second.service_name) == (0, "", "Copy paper")
    assert (document.complete, document.contract, document.removals) == (False, "CRT1387", [])
    if name == "Catalogue_Example":
        assert others == document.rejections == []
        return
    (deposit,) = others
    assert prices(document)[2] == ("1234", "0.1", "C62", "2018-09-01", "2019-08-31", None)
    (bottle,) = document.rejections
    assert (bottle.position, bottle.field, bottle.external_id, deposit.position) == ("3", "unit", "4321", "4")
    assert prices(read(name, in_our_terms=True))[2] == ("4321", "2", "DAY", "2018-09-01", "2019-08-31", None)


def test_every_price_of_the_finnish_sample():
    document = read("catalogue-fi")
    spring, autumn = document.rows
    assert prices(document) == [
        ("KP-01", "42.5", "HUR", "2026-03-01", "2026-08-31", Decimal(0)),
        ("KP-01", "44", "HUR", "2026-09-01", "2026-12-31", Decimal(0)),
    ]
    assert (spring.territory, spring.position, autumn.territory, autumn.position) == ("Espoo", "1/1", "", "1/2")
    assert (spring.vat_category, spring.base_quantity, spring.valid_from) == ("E", 1, date(2026, 3, 1))
    assert (document.complete, document.contract, document.rejections) == (False, "HVA-2026-77", [])
    assert document.business_id is None  # its check digit is wrong
