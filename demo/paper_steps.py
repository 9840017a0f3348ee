"""The demo's papers and explanations: what is known before anyone applies, the steering group's annex, a price explained, the statement."""

from datetime import datetime
from pathlib import Path
from typing import Any

from core.i18n import HELSINKI, _
from demo.story import Story, money_of

MORNING = datetime(2026, 11, 16, 9, 0, tzinfo=HELSINKI)
#: What the house itself would have given, asked for before there is any case.
_BEFORE_APPLYING = ("--baseline", "PERHETYO", "--quantity", "24", "--unit", "C62", "--months", "3")


def annex(story: Story) -> None:
    """Before anyone applies: what family work would cost and what the same money buys; then case 1 on one page."""
    place, case = story.place, story.cases["LC-1001"]
    place.clock(MORNING)
    story.show("compare", *_BEFORE_APPLYING)
    (asked,) = place.avain("compare", *_BEFORE_APPLYING, "--json")
    story.check(
        asked["case"] is None and asked["ceiling"] and len(asked["offers"]) > 2,
        _("before anyone applies, worker and family see what the same money buys"),
        money_of(asked["ceiling"]),
    )
    file = _papers(story) / f"vertailu-{case}.pdf"
    place.avain("compare", "--case", case, "--pdf", str(file), "--lang", "fi", "--as", "W-101")
    _check_paper(story, file, _("the comparison of case 1 is an annex for the steering group"))


def explained(story: Story) -> None:
    """After the overnight rise: the budget explained now, and as it was known the day before."""
    place, case = story.place, story.cases["LC-1003"]
    story.show("budget", "explain", case)
    (now,) = place.avain("budget", "explain", case, "--json")
    (then,) = place.avain("budget", "explain", case, "--at", "2026-11-16", "--json")
    prices = {when: _price(budget) for when, budget in (("now", now), ("then", then))}
    story.check(
        prices["now"]["sha256"] != prices["then"]["sha256"] and now["cause"] == "prices",
        _("explained, the budget leads to the new file's row, and as it was known the day before to the old one"),
        ", ".join(f"{one['file_name']}:{one['position']}" for one in (prices["then"], prices["now"])),
    )
    story.report["explained"] = {"now": now, "then": then}


def statement(story: Story) -> None:
    """What the family of case 1 gets on paper."""
    place, case = story.place, story.cases["LC-1001"]
    for language in ("fi", "sv", "en"):
        file = _papers(story) / f"laskelma-{case}-{language}.pdf"
        place.avain("budget", "statement", case, "--lang", language, "-o", str(file), "--as", "W-101")
        _check_paper(
            story,
            file,
            _("the family of case 1 gets a statement in plain language: {language}").format(language=language),
        )


def _papers(story: Story) -> Path:
    folder: Path = story.place.results / "papers"
    folder.mkdir(exist_ok=True)
    return folder


def _check_paper(story: Story, file: Path, promise: str) -> None:
    content = file.read_bytes()
    story.check(content.startswith(b"%PDF-") and b"StructTreeRoot" in content, promise, file.name)
    story.report.setdefault("papers", []).append(file.name)


def _price(budget: dict[str, Any]) -> dict[str, Any]:
    """The price of the plan's last days."""
    planned = [line for line in budget["lines"] if line["kind"] == "planned"]
    price: dict[str, Any] = planned[-1]["price"]
    return price
