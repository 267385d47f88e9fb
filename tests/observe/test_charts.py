from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leafmesh_nb.engine import events as ev
from leafmesh_nb.engine.events import Event
from leafmesh_nb.language.spec import Spec
from leafmesh_nb.observe import charts
from leafmesh_nb.observe.chart_style import hover, label, literal
from leafmesh_nb.observe.phrasing import seconds
from leafmesh_nb.observe.time_axis import time_axis

Runs = dict[str, list[Event]]
CHARTS = ("routing_chart", "costs_chart", "timeline_chart")
MARKUP = "<script>alert(1)</script><img src=x onerror=alert(2)><a href='javascript:x'>$1 or $2</a>"


def drawn(name: str, events: list[Event], spec: Spec, **more: Any) -> Any:
    return getattr(charts, name)(events, spec=spec, **more)


def texts(value: Any) -> Iterator[str]:
    """Every text in a figure."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts(item)


def plain(figure: Any) -> dict[str, Any]:
    return json.loads(figure.to_json())


def legend(figure: Any) -> list[str]:
    return [trace.name for trace in figure.data]


def hostile(events: list[Event]) -> list[Event]:
    """The same run with markup wherever somebody outside can put words."""
    changed = []
    for event in events:
        body = event.body
        if isinstance(body, ev.TaskRouted):
            candidates = tuple({**c, "agent": MARKUP} for c in body.candidates)
            excluded = ({"agent": MARKUP, "reason": MARKUP},)
            body = replace(body, agent=MARKUP, candidates=candidates, excluded=excluded)
        elif isinstance(body, ev.CallStarted):
            body = replace(body, target=MARKUP, request={MARKUP: MARKUP})
        elif isinstance(body, ev.CallFinished):
            body = replace(body, result={MARKUP: MARKUP})
        elif isinstance(body, ev.ApprovalAsked):
            body = replace(body, to=MARKUP, reason=MARKUP, subject=MARKUP)
        elif isinstance(body, ev.CallFailed | ev.StepEnded) and body.error:
            body = replace(body, error={**body.error, "message": MARKUP})
        changed.append(replace(event, body=body))
    return changed


@pytest.mark.parametrize("name", CHARTS)
@pytest.mark.parametrize("theme", ["light", "dark"])
class TestEveryChart:
    def test_is_small_and_transparent(self, name: str, theme: str, runs: Runs, spec: Spec) -> None:
        for events in runs.values():
            figure = drawn(name, events, spec, theme=theme)
            assert len(figure.to_json()) < 12_000
            assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "rgba(0,0,0,0)"
            assert figure.layout.width is None

    def test_shows_nothing_sensitive(self, name: str, theme: str, runs: Runs, spec: Spec) -> None:
        for events in runs.values():
            shown = drawn(name, events, spec, theme=theme).to_json()
            assert "4111" not in shown
            assert "1111 1111" not in shown
            assert "ada@example.com" not in shown

    def test_words_from_outside_are_no_markup(
        self, name: str, theme: str, runs: Runs, spec: Spec
    ) -> None:
        for key in ("edited", "waiting", "rejected"):
            figure = drawn(name, hostile(runs[key]), spec, theme=theme)
            for text in texts(plain(figure)):
                tags = set(re.findall(r"<\s*/?\s*(\w+)", text))
                assert tags <= {"b", "br", "span", "extra"}, text
                assert text.count("$") < 2, "a pair of dollar signs is TeX"

    def test_of_nothing_says_so(self, name: str, theme: str, spec: Spec) -> None:
        figure = drawn(name, [], spec, theme=theme)
        assert not figure.data
        assert len(figure.layout.title.text) > 20


def test_ink_differs_by_theme(runs: Runs, spec: Spec) -> None:
    light = drawn("routing_chart", runs["approved"], spec, theme="light")
    dark = drawn("routing_chart", runs["approved"], spec, theme="dark")
    assert light.layout.font.color != dark.layout.font.color


def test_plotly_and_pandas_are_imported_on_use_only() -> None:
    code = (
        "import sys; import leafmesh_nb.observe.charts;"
        "assert not {'pandas', 'plotly'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


class TestRouting:
    def test_points_by_factor_stack_up_to_the_score(self, runs: Runs, spec: Spec) -> None:
        figure = drawn("routing_chart", runs["approved"], spec)
        assert legend(figure) == ["skill", "text", "cost", "latency", "load"]
        assert figure.layout.barmode == "stack"
        sums = [round(sum(parts), 4) for parts in zip(*(t.x for t in figure.data), strict=True)]
        assert sums == [0.77, 0.59, 0.67, 0.67]
        opacities = list(figure.data[0].marker.opacity)
        assert opacities[0] == 1
        assert opacities[1] < 1

    def test_marks_the_chosen_and_explains_the_excluded(self, runs: Runs, spec: Spec) -> None:
        figure = drawn("routing_chart", runs["approved"], spec)
        notes = [note.text for note in figure.layout.annotations]
        assert notes[0] == "<b>0.77  ✓ chosen</b>"
        assert notes[1] == "0.59"
        assert notes[2].startswith("excluded: no function is bound to it &lt;script&gt;")
        names = [re.sub("<[^>]*>", "", name).strip() for name in figure.layout.yaxis.ticktext]
        assert names[:4] == [
            "classify · ticket.classify",
            "triage on quick",
            "veteran on deep",
            "intern",
        ]

    def test_over_several_runs_it_counts(self, everything: list[Event], spec: Spec) -> None:
        figure = drawn("routing_chart", everything, spec)
        assert figure.layout.annotations[0].text == "<b>0.77  chosen 5 of 5</b>"
        assert "mean points over 5 runs" in figure.layout.title.text


class TestCosts:
    def test_spent_and_list_price(self, everything: list[Event], spec: Spec) -> None:
        figure = drawn("costs_chart", everything, spec)
        listed, spent = figure.data
        assert (listed.name, spent.name) == ("at list price", "spent")
        assert list(listed.x) == [pytest.approx(0.0008075)]
        assert list(spent.x) == [0]
        assert "&#36;0 spent, &#36;0.00081 at list price" in figure.layout.title.text
        assert "1,550 tokens in, 210 out" in figure.layout.title.text

    def test_an_unpriced_model_says_so(self, story: Any, spec: Spec) -> None:
        story.start()
        story.add(ev.StepResolved(True), "classify")
        story.route("classify", "ticket.classify", ("triage", "mine"))
        story.add(ev.CallStarted("k", "model", "mine", "triage", 1, "d"), "classify")
        story.add(ev.CallFinished("k", {}, 1, 10, 10, "0", None), "classify")
        figure = drawn("costs_chart", story.events, spec)
        assert list(figure.data[0].text) == ["unpriced"]
        assert "1 calls unpriced" in figure.layout.title.text

    def test_an_unfinished_run_says_as_of(self, runs: Runs, spec: Spec) -> None:
        figure = drawn("costs_chart", runs["waiting"], spec)
        assert "waiting for lead" in figure.layout.title.text


class TestTimeline:
    def test_waits_differ_from_work(self, runs: Runs, spec: Spec) -> None:
        figure = drawn("timeline_chart", runs["approved"], spec)
        assert legend(figure) == ["step", "model", "function", "tool", "wait for a person"]
        wait = figure.data[-1]
        assert wait.marker.pattern.shape == "/"
        assert list(wait.text) == ["finance, 42 min"]
        assert "approve by finance after 42 min" in wait.customdata[0]
        title = figure.layout.title.text
        assert "Done after 42 min 1 s, of which 42 min waiting for people" in title

    def test_a_long_wait_leaves_room_for_the_work(self, runs: Runs, spec: Spec) -> None:
        figure = drawn("timeline_chart", runs["approved"], spec)
        (wait,) = figure.data[-1].x
        model = figure.data[1].x[0]
        assert wait < model
        assert [note.text for note in figure.layout.annotations] == ["⋯ 42 min"]
        labels = list(figure.layout.xaxis.ticktext)
        assert labels[0] == "0"
        assert "42 min 1 s" in labels
        assert len(labels) == len(set(labels))

    def test_calls_in_doubt_and_standstills(self, runs: Runs, spec: Spec) -> None:
        figure = drawn("timeline_chart", runs["edited"], spec)
        assert "call in doubt" in legend(figure)
        still = next(trace for trace in figure.data if trace.name == "nothing ran")
        assert "no process ran it" in still.customdata[0]
        assert [note.text for note in figure.layout.annotations] == [
            "⋯ 1 min 30 s",
            "⋯ 1 h",
            "⋯ 30 s",
        ]

    def test_an_open_question_goes_on_to_the_edge(self, runs: Runs, spec: Spec) -> None:
        figure = drawn("timeline_chart", runs["waiting"], spec)
        wait = figure.data[-1]
        assert wait.base[0] + wait.x[0] == pytest.approx(figure.layout.xaxis.range[1], rel=0.01)
        assert "not answered yet" in wait.customdata[0]
        assert figure.layout.title.text.startswith("<b>Waiting for lead</b>")
        last = max(figure.layout.xaxis.tickvals)
        assert last <= wait.base[0]

    def test_failed_and_skipped_steps(self, runs: Runs, spec: Spec) -> None:
        failed = drawn("timeline_chart", runs["rejected"], spec)
        bar = next(trace for trace in failed.data if trace.name == "failed step")
        assert "lead rejected it: call them first" in bar.customdata[0]
        skipped = drawn("timeline_chart", runs["skipped"], spec)
        names = " ".join(skipped.layout.yaxis.ticktext)
        assert names.count("skipped") == 2
        assert len(skipped.data[0].y) == 1

    def test_steps_to_come_are_named(self, runs: Runs, spec: Spec) -> None:
        early = runs["approved"][:8]
        figure = drawn("timeline_chart", early, spec)
        assert " ".join(figure.layout.yaxis.ticktext).count("not started") == 2
        assert figure.layout.title.text.startswith("<b>Running, ")

    def test_a_pause_is_a_standstill(self, story: Any, spec: Spec) -> None:
        story.start()
        story.classify()
        story.add(ev.RunPaused("mara"))
        story.add(ev.RunResumed("mara"), after=600)
        story.propose()
        figure = drawn("timeline_chart", story.events, spec)
        assert [note.text for note in figure.layout.annotations] == ["⋯ 10 min"]

    def test_time_between_two_clicks_on_step_is_a_standstill(self, story: Any, spec: Spec) -> None:
        story.start()
        story.classify()
        story.add(ev.RunResumed("mara", 1), after=60)
        story.propose()
        figure = drawn("timeline_chart", story.events, spec)
        assert [note.text for note in figure.layout.annotations] == ["⋯ 1 min"]

    def test_several_runs_have_no_common_time(self, everything: list[Event], spec: Spec) -> None:
        with pytest.raises(ValueError, match="one run; these events are of 5"):
            drawn("timeline_chart", everything, spec)


class TestTimeAxis:
    def test_a_standstill_is_shortened_and_all_else_is_not(self) -> None:
        axis = time_axis([0, 1, 11, 12], [(1, 11)])
        assert axis.at(0.5) == 0.5
        assert axis.shortened == ((1, 11),)
        assert axis.end == pytest.approx(2 + 0.35 * 2)

    def test_short_ones_are_left_alone(self) -> None:
        axis = time_axis([0, 10, 11, 20], [(10, 11)])
        assert axis.shortened == ()
        assert axis.at(20) == 20

    def test_work_beside_a_wait_keeps_its_length(self) -> None:
        axis = time_axis([0, 1, 100], [(1, 100)], busy=[(50, 60)])
        assert axis.shortened == ((1, 50), (60, 100))
        assert axis.at(60) - axis.at(50) == pytest.approx(10)

    def test_a_run_without_work_has_an_axis(self) -> None:
        assert time_axis([0], []).end > 0
        assert time_axis([0, 100], [(0, 100)]).at(100) == time_axis([0, 100], []).end * 0.35

    @given(
        st.lists(st.floats(0, 1e6), min_size=1, max_size=30),
        st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e6)), max_size=5),
        st.booleans(),
    )
    def test_time_never_runs_backwards(
        self, moments: list[float], idle: list[tuple[float, float]], still: bool
    ) -> None:
        axis = time_axis(moments, [(min(b), max(b)) for b in idle], last_open=still)
        ordered = sorted(moments)
        places = [axis.at(moment) for moment in ordered]
        assert all(a <= b + 1e-9 for a, b in pairwise(places))
        ticks = axis.ticks()
        assert len(ticks) <= 10
        assert all(0 <= tick <= axis.last for tick in ticks)
        assert all(axis.at(b) - axis.at(a) >= axis.end / 9 - 1e-9 for a, b in pairwise(ticks))


class TestText:
    def test_literal(self) -> None:
        assert literal("<b>&amp;</b> $5") == "&lt;b&gt;&amp;amp;&lt;/b&gt; &#36;5"

    def test_a_long_label_keeps_both_ends(self) -> None:
        short = label("a" * 40 + "z", 10)
        assert short == "aaaaa…aaaz"
        assert label("short", 10) == "short"

    def test_a_hover_is_wrapped_and_ends(self) -> None:
        lines = hover("word " * 400, "", "end").split("<br>")
        assert len(lines) == 8
        assert all(len(line) <= 72 for line in lines)

    @pytest.mark.parametrize(
        ("given", "text"),
        [
            (0, "0 ms"),
            (0.34, "340 ms"),
            (0.9999, "1.0 s"),
            (1.44, "1.4 s"),
            (30, "30 s"),
            (59.7, "1 min"),
            (750, "12 min 30 s"),
            (3600, "1 h"),
            (11100, "3 h 5 min"),
            (200_000, "2 d 7 h"),
        ],
    )
    def test_durations(self, given: float, text: str) -> None:
        assert seconds(given) == text


HOVER_EVERYTHING = """() => [...document.querySelectorAll('.js-plotly-plot')].flatMap(
    chart => chart.data.flatMap((trace, curveNumber) => trace.y.map((_, pointNumber) => {
        Plotly.Fx.hover(chart, [{curveNumber, pointNumber}]);
        return chart.querySelector('.hoverlayer').textContent;
    }))
)"""


@pytest.mark.browser
def test_in_a_browser_words_from_outside_show_as_text(
    chromium: str, tmp_path: Path, runs: Runs, spec: Spec
) -> None:
    from playwright.sync_api import sync_playwright

    page_file = tmp_path / "charts.html"
    figures = [drawn(name, hostile(runs["rejected"]), spec) for name in CHARTS]
    parts = [f.to_html(full_html=False, include_plotlyjs=not n) for n, f in enumerate(figures)]
    page_file.write_text(
        f"<html><head><meta charset=utf-8></head><body>{''.join(parts)}</body></html>"
    )
    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        page = browser.new_page(viewport={"width": 900, "height": 1400})
        alerts: list[str] = []
        page.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
        page.goto(page_file.as_uri())
        page.wait_for_function("document.querySelectorAll('.js-plotly-plot .main-svg').length > 8")
        hovers = page.evaluate(HOVER_EVERYTHING)
        labels = " ".join(page.locator(".ytick").all_text_contents())
        intruders = page.locator(".main-svg a, .js-plotly-plot img, .js-plotly-plot script").count()
        browser.close()
    assert not alerts
    assert intruders == 0
    assert "<script>alert" in labels
    assert any("<script>alert(1)</script>" in text for text in hovers)
    assert any("onerror=alert(2)" in text for text in hovers)
