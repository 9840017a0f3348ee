"""The demo's step at the supervisor's: what waits is told case by case, of four families together nothing is."""

from core.i18n import _
from demo.console_steps import visiting
from demo.follow_up_steps import SUPERVISOR
from demo.story import Story


def unit(story: Story) -> None:
    """The unit's figures are counted; its supervisor reads them in the console."""
    place = story.place
    (code,) = [
        row["code"]
        for row in place.query(
            "SELECT code FROM unit WHERE supervisor_id = (SELECT id FROM worker WHERE external_id = %(who)s)",
            who=SUPERVISOR,
        )
    ]
    place.avain("schedule", "trigger", "count_units", "--json")
    place.settled()
    told = place.avain("unit", "show", code, "--json")
    hidden = not any(month["told"] for month in told["euros"]["months"]) and not told["ratings"] and not told["results"]
    story.check(
        told["counted_at"] and hidden and told["euros"]["cost"] is None,
        _("of fewer than five families nothing is told together: neither euros nor ratings"),
        told["euros"]["judged"],
    )
    passed_on = [one["case_number"] for one in told["escalations"]]
    with visiting(story, SUPERVISOR) as supervisor:
        page = supervisor.open("/unit")
        story.check(
            supervisor.status == 200 and passed_on and all(case in page for case in passed_on),
            _("the supervisor reads what was passed on"),
            ", ".join(passed_on),
        )
    busiest = told["workload"][0]
    story.check(
        sum(one["cases"] for one in told["workload"]) >= len(passed_on),
        _("and what lies with each worker"),
        f"{busiest['name']}: {busiest['cases']}",
    )
    story.show("unit", "show", code)
    story.report["unit"] = {"unit": code, "judged": told["euros"]["judged"], "passed_on": passed_on}
