"""The picture of the figures: well-formed, to scale, and it says which goals are not met."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from benchmarks.machine import Line
from benchmarks.picture import achieved, draw

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(
    ("line", "times"),
    [
        (Line("x", "", 0.6, 0.3), 2.0),
        (Line("x", "", 0.15, 0.3), 0.5),
        (Line("x", "", 1 / 200, 1 / 100, more=False), 2.0),
        (Line("x", "", 1 / 50, 1 / 100, more=False), 0.5),
    ],
)
def test_a_bar_says_how_many_times_its_goal_a_figure_reaches(line: Line, times: float) -> None:
    assert achieved(line) == pytest.approx(times)


def test_a_figure_without_a_goal_has_no_bar_but_its_text() -> None:
    assert achieved(Line("x", "16 ms")) is None
    drawn = ElementTree.fromstring(draw("a machine", [("t", [Line("stock", "16 ms")])]))  # noqa: S314 - our own text
    assert len(drawn.findall(f"{SVG}rect")) == 1  # the ground
    assert "16 ms" in [text.text for text in drawn.iter(f"{SVG}text")]


def test_the_picture_is_well_formed_and_tells_met_from_short() -> None:
    lines = [Line("more & <better>", "5 us", 0.9, 0.3), Line("short", "", 0.1, 0.3)]
    drawn = ElementTree.fromstring(draw("a machine\nits libraries", [("group", lines)]))  # noqa: S314 - our own text
    met, short = drawn.findall(f"{SVG}rect")[1:]
    assert met.get("fill") != short.get("fill")
    assert float(met.get("width", 0)) > float(short.get("width", 0))
    said = {text.text for text in drawn.iter(f"{SVG}text")}
    assert {"more & <better>", "group", "a machine", "its libraries", "0.90  5 us"} <= said
