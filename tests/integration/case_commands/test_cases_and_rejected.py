"""`avain case` and `avain rejected`."""

import pytest

from core.errors import InputError, NotFound
from tests.support.case_commands import Avain


def test_a_case_is_shown_and_looking_is_recorded(avain: Avain) -> None:
    avain.run("source", "run", "lifecare", "--inline")
    assert [one["number"] for one in avain.json("case", "list", "--worker", "W-101")] == [
        "HB-2026-000001",
        "HB-2026-000004",
    ]
    shown = avain.json("case", "show", "HB-2026-000004", "--as", "W-101")
    assert (shown["kykyviisari_date"], shown["decisions"][0]["granted_amount"]) == ("2026-10-20", "900.00")
    assert (shown["items"][0]["name"], shown["items"][0]["last"]) == ("HB-2026-000004/I-1", "2027-02-28")
    assert "20 hours" in avain.run("case", "show", "HB-2026-000004").output
    assert (
        avain.value("SELECT count(*) FROM audit_event WHERE action = 'case.viewed' AND subject = 'case:HB-2026-000004'")
        == 2
    )
    with pytest.raises(NotFound):
        avain.run("case", "show", "HB-2026-999999")


def test_a_provider_is_chosen_by_its_name(avain: Avain) -> None:
    avain.run("source", "run", "lifecare", "--inline")
    chosen = ("case", "choose", "HB-2026-000003", "--provider", "tukipolku", "--by", "child", "--as", "W-103")
    assert avain.run(*chosen, "--dry-run").exit_code == 0
    assert avain.value("SELECT count(*) FROM choice") == 0
    made = avain.json(*chosen)
    assert (made["item"], made["provider"], made["actor"]) == (
        "HB-2026-000003/I-1",
        "Tukipolku Oy (keksitty)",
        "cli:W-103",
    )
    assert avain.json("case", "show", "HB-2026-000003")["items"][0]["chosen_by"] == "child"
    for provider, error in (("tuki", InputError), ("nobody", NotFound)):
        with pytest.raises(error):
            avain.run("case", "choose", "HB-2026-000003", "--provider", provider, "--by", "child")
    with pytest.raises(NotFound):
        avain.run("case", "choose", "HB-2026-000003/I-9", "--provider", "tukipolku", "--by", "child")


def test_a_rejected_record_is_shown_discarded_and_retried(avain: Avain) -> None:
    avain.run("source", "run", "lifecare", "--inline")
    (group,) = avain.json("rejected", "list", "--source", "lifecare")
    (member,) = avain.json("rejected", "show", str(group["id"]))
    assert member["position"] == "85"
    assert avain.run("rejected", "show", str(group["id"])).exit_code == 0
    with pytest.raises(InputError):
        avain.run("rejected", "discard", str(group["id"]), "--note", " ")
    assert avain.run("rejected", "discard", str(group["id"]), "--note", "tested", "--dry-run").exit_code == 0
    assert len(avain.json("rejected", "list")) == 1
    assert avain.run("rejected", "discard", str(group["id"]), "--note", "tested", "--group").exit_code == 0
    assert avain.json("rejected", "list") == []
    with pytest.raises(NotFound):
        avain.run("rejected", "discard", str(group["id"]), "--note", "again")
    with pytest.raises(NotFound):
        avain.run("rejected", "show", "999999")
    assert avain.run("rejected", "retry", str(group["id"]), "--inline").exit_code == 3
    assert len(avain.json("rejected", "list")) == 1, "still wrong, so recorded anew"
