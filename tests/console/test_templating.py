"""Templates speak each reader's language, also where they name fixed things."""

from console.templating import _environment
from core.i18n import speaking


def test_a_filter_of_a_fixed_value_is_asked_each_time():
    template = _environment().from_string('{{ "recompute_budgets" | kind_name }}')
    said = []
    for language in ("en", "fi"):
        with speaking(language):
            said.append(template.render())
    assert said == ["calculating budgets", "budjettien laskenta"]
