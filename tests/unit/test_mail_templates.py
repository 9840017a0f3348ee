"""Templates of the daily e-mail that an organisation brings: what is refused, with which line, and that a good one is used."""

import os
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import structlog

from core.errors import ConfigurationError
from core.follow_up_settings import FollowUps
from core.settings import Settings
from services.reminders import message
from services.reminders.bundle import Bundle, Person, Task
from services.reminders.mail_check import templates_in_force
from services.reminders.mail_samples import DAY
from services.reminders.mail_templates import BUILT_IN, HTML, TEXT, VALUES, read
from tests.factories.follow_up import WRITING

GOOD_HTML = (BUILT_IN / HTML).read_text("utf-8")
DUE = date(2026, 12, 8)
HEADING = "Muistutukset 8.12.2026"
BUNDLE = Bundle(
    Person(1, "W-1", "a@b.invalid", "fi"),
    [Task(1, "final", DUE, "HB-2026-000001", "new", "own")],
)
LINES = "{% for section in sections %}{% for line in section.lines %}{{ line.what }} {{ line.link }}\n{% endfor %}{% endfor %}"


def configured(folder: Path) -> Settings:
    return Settings(follow_ups=FollowUps(templates=folder))


def refusal(folder: Path) -> str:
    with pytest.raises(ConfigurationError) as refused:
        message.check_templates(configured(folder))
    return refused.value.message.text("en")


def test_without_a_folder_there_is_nothing_to_check():
    message.check_templates(Settings())
    assert message.writing(Settings()).templates.text.filename == str(BUILT_IN / TEXT)


def test_the_built_in_ones_pass_what_others_must_pass(tmp_path):
    for name in (TEXT, HTML):
        (tmp_path / name).write_bytes((BUILT_IN / name).read_bytes())
    message.check_templates(configured(tmp_path))


@pytest.mark.parametrize(
    ("source", "line", "said"),
    [
        ("a\nb {{ heading \n" + LINES, 3, "Correct that line."),
        ("a\n\n{% for x in %}{% endfor %}", 3, "Correct that line."),
        ("{% if count %}\n" + LINES, 3, "Correct that line."),
        (
            "{{ heading }}\n{{ worker_name }}\n" + LINES,
            2,
            "there is no value worker_name. There are: count, footer, heading,",
        ),
        ("{% if count > 10000 %}\n\n{{ nothing_of_ours }}{% endif %}" + LINES, 3, "nothing_of_ours"),
        ("{{ sections[0].owner }}\n" + LINES, 1, "owner"),
        ("{{ heading }}\n\n{{ heading | shout }}\n" + LINES, 3, "No filter named 'shout'."),
        ("{{ heading is weird }}" + LINES, 1, "No test named 'weird'."),
        ("{{ heading }}\n{% include 'signature.txt' %}\n" + LINES, 2, "signature.txt is not in the folder."),
        ("{{ heading }}\n{% include '../digest.html' %}\n" + LINES, 2, "is not in the folder."),
        ("{{ heading }}\n{% include language %}\n" + LINES, 2, "fi is not in the folder."),
        ("\n{% import '/etc/passwd' as x %}\n" + LINES, 2, "is not in the folder."),
        ("{{ range(10) }}" + LINES, 1, "there is no value range."),
        ("\n{{ heading.__class__.__mro__ }}" + LINES, 2, "unsafe"),
        ("\n{{ ''.join.__globals__ }}" + LINES, 2, "has no attribute"),
        ("\n\n{{ 'a' * 1000000000 }}" + LINES, 3, "the operator * is not available"),
        ("{{ '%1000000000d' % 1 }}" + LINES, 1, "the operator % is not available"),
        ("{{ '{:>1000000000}'.format(1) }}" + LINES, 1, "is not available"),
        ("{{ 'a'.center(1000000000) }}" + LINES, 1, "is not available"),
        ("{{ count / 0 }}" + LINES, 1, "division by zero"),
        ("{{ count.x.y }}" + LINES, 1, "has no attribute 'x'"),
        ("{% macro a(n) %}{{ a(n) }}{% endmacro %}{{ a(1) }}" + LINES, 1, ""),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_line(tmp_path, source, line, said):
    (tmp_path / TEXT).write_text(source, "utf-8")
    refused = refusal(tmp_path)
    assert refused.startswith(f"Template of e-mails {tmp_path / TEXT}:{line}: ")
    assert said.casefold() in refused.casefold()


def test_a_loop_without_end_is_stopped(tmp_path):
    nested = "{% for a in sections %}" * 12 + "x" + "{% endfor %}" * 12
    (tmp_path / TEXT).write_text("{{ heading }}\n" + nested + LINES, "utf-8")
    assert ":2: The template goes round too often. Correct that line." in refusal(tmp_path)


def test_macros_that_call_each_other_are_stopped(tmp_path):
    doubling = "{% macro a(n) %}{% if n %}{{ a(n - 1) }}{{ a(n - 1) }}{% endif %}{% endmacro %}\n{{ a(40) }}"
    (tmp_path / TEXT).write_text(doubling + LINES, "utf-8")
    assert "The template goes round too often." in refusal(tmp_path)


GROWING = {
    "tilde": "{% set a = 'xxxxxxxx' %}" + "{% set a = a ~ a %}" * 40,
    "plus": "{% set a = 'xxxxxxxx' %}" + "{% set a = a + a %}" * 40,
    "block": "{% set a = 'xxxxxxxx' %}" + "{% set b %}{{ a }}{{ a }}{% endset %}{% set a = b %}" * 40,
    "macro": "{% macro a(s, n) %}{{ a(s ~ s, n - 1) if n else s }}{% endmacro %}{{ a('xxxxxxxx', 40) }}",
    "join": "{% set a = '" + "x" * 10_000 + "' %}{% set b = a | join(a) %}",
    "join of a text": "{% set a = '" + "x" * 10_000 + "' %}{% set b = a.join(a) %}",
    "replace": "{% set a = '" + "x" * 10_000 + "' %}{% set b = a.replace('x', a) %}",
    "output": "{% set a = '" + "x" * 10_000 + "' %}{% for b in a %}{{ a }}{% endfor %}",
}


@pytest.mark.parametrize("source", GROWING.values(), ids=GROWING)
def test_a_text_that_grows_without_end_is_stopped(tmp_path, source):
    (tmp_path / TEXT).write_text(source + LINES, "utf-8")
    assert re.search("longer than any e-mail|is not available", refusal(tmp_path))


def test_texts_are_put_together_as_ever(tmp_path):
    (tmp_path / HTML).write_text(GOOD_HTML.replace("</body>", "{{ '<b>' ~ count }}{{ 'a' + '&' }}{{ ['<', count] | join('+') }}</body>"), "utf-8")  # fmt: skip
    (tmp_path / TEXT).write_text(
        "{{ '<' ~ count ~ '>' }} {{ ['a', 'b'] | join(', ') }} {{ count + 1 }}\n" + LINES, "utf-8"
    )
    view = next(iter(message._samples()))
    text, html = read(tmp_path).write(view)
    assert text.startswith(f"<{view['count']}> a, b {view['count'] + 1}\n")
    assert f"&lt;b&gt;{view['count']}a&amp;&lt;+{view['count']}</body>" in html
    message.check_templates(configured(tmp_path))


def test_what_samples_do_not_bring_to_light_is_not_sent(tmp_path):
    """A picture for one day and one number of matters alone would tell its server who has how many, and when it was read."""
    hidden = (
        "{% if heading == '"
        + HEADING
        + '\' %}<img src="https://avain.invalid/{{ sections[0].lines[0].what }}">{% endif %}'
    )
    (tmp_path / HTML).write_text(GOOD_HTML.replace("</body>", f"{hidden}</body>"), "utf-8")
    how = replace(WRITING, templates=templates_in_force(tmp_path, message._samples))
    _, mail = message.write(BUNDLE, DUE, datetime(2026, 12, 7, tzinfo=UTC), how)
    assert "img" not in mail


def test_a_link_is_not_shown_by_a_longer_one(tmp_path):
    one_of_two = "{% for section in sections %}{% for line in section.lines %}{{ line.link if loop.index > 1 or section.lines | length == 1 or section.lines | length > 2 else '' }}\n{% endfor %}{% endfor %}"
    (tmp_path / TEXT).write_text("hei\n" + one_of_two, "utf-8")
    tasks = [
        Task(1, "final", DUE, "HB-2026-000001", "new", "own"),
        Task(12, "final", DUE, "HB-2026-000001", "new", "own"),
    ]
    how = replace(WRITING, templates=read(tmp_path))
    _, mail = message.write(Bundle(BUNDLE.person, tasks), DUE, datetime(2026, 12, 7, tzinfo=UTC), how)
    assert not mail.partition("\r\n\r\n")[2].startswith("hei")
    assert "/follow-ups/1\r\n" in mail or "/follow-ups/1 " in mail


def test_not_utf_8(tmp_path):
    (tmp_path / TEXT).write_bytes(b"a\nb\n\xe4\xe4kk\xf6set")
    assert refusal(tmp_path) == f"Template of e-mails {tmp_path / TEXT}:3: is not UTF-8. Save it in that encoding."


def test_a_mark_of_the_editor_before_the_text_is_no_part_of_it(tmp_path):
    (tmp_path / TEXT).write_bytes(b"\xef\xbb\xbf" + LINES.encode())
    message.check_templates(configured(tmp_path))


def test_folders_that_are_none(tmp_path):
    assert "avain reminder template" in refusal(tmp_path / "none")
    assert "holds neither digest.txt nor digest.html" in refusal(tmp_path)
    (tmp_path / "digest.htm").write_text("x", "utf-8")
    assert "holds neither digest.txt nor digest.html" in refusal(tmp_path)
    (tmp_path / TEXT).write_text("x" * 300_000, "utf-8")
    assert "is longer than 256 kB" in refusal(tmp_path)


def test_a_template_shows_every_matter(tmp_path):
    (tmp_path / TEXT).write_text("{{ heading }}: {{ count }}", "utf-8")
    assert "leaves out the link" in refusal(tmp_path)
    (tmp_path / TEXT).write_text(LINES.replace("in section.lines", "in section.lines[:3]"), "utf-8")
    assert "leaves out the link" in refusal(tmp_path)


@pytest.mark.parametrize(
    "found",
    [
        '<img src="https://avain.invalid/logo.png">',
        "<script>1</script>",
        '<link rel="stylesheet" href="https://avain.invalid/a.css">',
        '<svg onload="x()"></svg>',
        '<p onclick="x()">x</p>',
        '<td background="https://avain.invalid/a.png">x</td>',
        '<p style="background:url(https://avain.invalid/a.png)">x</p>',
        "<style>@import 'https://avain.invalid/a.css';</style>",
        '<a href="javascript:x()">x</a>',
        '<meta http-equiv="refresh" content="1">',
        '<form action="https://avain.invalid"></form>',
        '<!--[if mso]><img src="https://avain.invalid/a.png"><![endif]-->',
        '<!--><img src="https://avain.invalid/a.png">-->',
        '<!-- --!><img src="https://avain.invalid/a.png"> -->',
        "<p style=\"background:image-set('https://avain.invalid/a.png' 1x)\">x</p>",
        '<a href="https://avain.invalid/a" ping="https://avain.invalid/b">x</a>',
    ],
)
def test_a_mail_loads_and_runs_nothing(tmp_path, found):
    (tmp_path / HTML).write_text(GOOD_HTML.replace("</body>", f"{found}</body>"), "utf-8")
    assert "loads nothing and runs nothing" in refusal(tmp_path)


def test_a_mail_says_its_language(tmp_path):
    (tmp_path / HTML).write_text(GOOD_HTML.replace(' lang="{{ language }}"', ""), "utf-8")
    assert 'Begin with <html lang="{{ language }}">' in refusal(tmp_path)


def test_one_file_stands_in_and_the_other_stays(tmp_path):
    (tmp_path / TEXT).write_text("OMA POHJA {{ language }}\n{% include 'loppu.txt' %}\n" + LINES, "utf-8")
    (tmp_path / "loppu.txt").write_text("Terveisin & <tuki>", "utf-8")
    how = message.writing(configured(tmp_path))
    bundle = Bundle(Person(1, "W-1", "w@avain.invalid", "sv"), [Task(7, "start", DAY, "HB-2026-000001")])
    view = message._view(bundle, DAY, how.base_url, "fi")
    text, html = how.templates.write(view)
    assert text.startswith("OMA POHJA sv\nTerveisin & <tuki>HB-")
    assert html == WRITING.templates.write(view)[1]


def test_the_values_are_those_that_are_named():
    view = message._view(Bundle(Person(1, "W-1", "w@avain.invalid", "fi")), DAY, "https://avain.invalid", "fi")
    assert set(view) == VALUES


def test_values_are_escaped_in_html(tmp_path):
    (tmp_path / HTML).write_text(GOOD_HTML, "utf-8")
    how = message.writing(configured(tmp_path))
    view = message._view(Bundle(Person(1, "W-1", "w@avain.invalid", "fi")), DAY, "https://avain.invalid", "fi")
    _text, html = how.templates.write({**view, "heading": "<b>&"})
    assert "&lt;b&gt;&amp;" in html


def test_a_running_process_follows_the_folder_and_keeps_what_worked(tmp_path):
    file = tmp_path / TEXT

    def put(source: str, at: int) -> None:
        file.write_text(source, "utf-8")
        os.utime(file, ns=(at, at))

    put("FIRST " + LINES, 1)
    first = message.writing(configured(tmp_path)).templates
    assert message.writing(configured(tmp_path)).templates is first, "read once"
    put("{{ broken", 2)
    with structlog.testing.capture_logs() as logs:
        assert message.writing(configured(tmp_path)).templates is first
        assert message.writing(configured(tmp_path)).templates is first
    assert [one["event"] for one in logs] == ["mail_templates_not_followed"], "said once for each change"
    assert f"{file}:1" in logs[0]["reason"]
    put("SECOND " + LINES, 3)
    assert message.writing(configured(tmp_path)).templates is not first


def test_what_cannot_be_used_at_first_is_no_mail_at_all(tmp_path):
    (tmp_path / TEXT).write_text("{{ broken", "utf-8")
    with pytest.raises(ConfigurationError):
        templates_in_force(tmp_path, list)


def test_the_folder_is_seen_from_the_configuration(tmp_path, monkeypatch):
    monkeypatch.setenv("AVAIN_CONFIG", str(tmp_path / "conf" / "avain.toml"))
    assert configured(Path("mails")).mail_templates == tmp_path / "conf" / "mails"
    assert configured(tmp_path).mail_templates == tmp_path


@pytest.mark.parametrize(
    "source", ["{{ 1 / (count - 60) }}" + LINES, LINES.replace("section.lines", "section.lines[:40]")]
)
def test_a_reminder_matters_more_than_its_looks(tmp_path, source):
    """What only a real mail brings to light: then Avain's own templates write that one."""
    (tmp_path / TEXT).write_text(source, "utf-8")
    how = message.writing(configured(tmp_path))
    tasks = [Task(number, "start", DAY, f"HB-2026-{number:06d}") for number in range(1, 61)]
    bundle = Bundle(Person(1, "W-1", "w@avain.invalid", "fi"), tasks)
    now = datetime(2026, 12, 7, 6, tzinfo=UTC)
    with structlog.testing.capture_logs() as logs:
        _id, document = message.write(bundle, DAY, now, how)
    assert document == message.write(bundle, DAY, now, replace(how, templates=WRITING.templates))[1]
    assert [one["event"] for one in logs] == ["mail_template_failed"]
    assert str(tmp_path / TEXT) in logs[0]["reason"]
    few = replace(bundle, tasks=tasks[:3])
    assert (
        message.write(few, DAY, now, how)[1]
        != message.write(few, DAY, now, replace(how, templates=WRITING.templates))[1]
    )
