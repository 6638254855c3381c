import pytest
from jinja2 import UndefinedError

from radprompt.pages.environment import environment


@pytest.mark.parametrize(
    ("packages", "template"),
    [
        (("radprompt.pages.report",), "index.html"),
        (("radprompt.pages.report",), "audit.html"),
        (("radprompt.export", "radprompt.pages.report"), "case.html"),
        (("radprompt.own_table", "radprompt.pages.report"), "own_table.html"),
        (("radprompt.repository.pull_request",), "page.html"),
    ],
)
def test_each_page_finds_its_templates_and_a_name_that_nobody_gave_is_an_error(packages, template):
    with pytest.raises(UndefinedError):
        environment(*packages).get_template(template).render()


def test_values_are_escaped():
    assert environment("radprompt.pages.report").from_string("{{ name }}").render(name="<b>") == "&lt;b&gt;"
