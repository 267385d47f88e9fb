"""The static twin of the live card: what a saved notebook, an export and a plain viewer show.

Styles are inline, and only ``div span b`` are used: nbconvert's sanitiser drops every style and
shows other tags as text (of a table the ``tbody`` that a parser adds), so lines are ``div`` and the
words must do without layout. One set of colours has to
read on white and on black: text keeps the page's own colour, faded by opacity, and a tone is mixed
into it where the browser can (``color-mix``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from leafmesh_nb.observe.card_text import run_text
from leafmesh_nb.observe.wording import (
    GLYPHS,
    RUN_TONES,
    RUN_WORDS,
    STEP_WORDS,
    clock_time,
    day_and_time,
    duration,
    elapsed,
    step_time,
    usd,
)

__all__ = ["ranks", "run_html", "run_text"]

State = Mapping[str, Any]

TONES = {
    "ok": "#238a57",
    "run": "#4a7bf0",
    "wait": "#b3700f",
    "fail": "#d9503d",
    "idle": "#7a828c",
    "skip": "#7a828c",
    "cancelled": "#7a828c",
}
_FONT = "font-family:system-ui,-apple-system,'Segoe UI',sans-serif;font-size:13px;line-height:1.45"
_MONO = "font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:12px"
_LINE = "1px solid rgba(128,128,128,.28)"
_SOFT = "background:rgba(128,128,128,.07)"
_MUTED = "opacity:.68"
_ROW = "display:flex;flex-wrap:wrap;gap:2px 16px;padding:6px 0"
_RIGHT = "flex:0 0 auto;margin-left:auto;text-align:right;white-space:nowrap"
_WRAP = "overflow-wrap:anywhere;white-space:pre-wrap"


def run_html(state: State) -> str:
    """A run's state as HTML that stands alone. Every text in it is escaped."""
    parts = [
        _header(state),
        _steps_row(state),
        *(_question(state, question) for question in state["questions"].values()),
        _error(state),
        _result(state),
        _decisions(state),
        _outputs(state),
        _footer(state),
    ]
    style = (
        f"{_FONT};border:{_LINE};border-radius:10px;overflow:hidden;max-width:1040px;margin:4px 0"
    )
    return _div(style, "".join(parts))


def ranks(state: State) -> list[list[str]]:
    """Steps by their distance from the start: each comes after all that it waits for."""
    rank: dict[str, int] = {}

    def of(name: str) -> int:
        if name not in rank:
            before = [of(other) for other in state["steps"][name]["after"]]
            rank[name] = 1 + max(before, default=-1)
        return rank[name]

    columns: dict[int, list[str]] = {}
    for name in state["order"]:
        columns.setdefault(of(name), []).append(name)
    return [columns[number] for number in sorted(columns)]


def _text(text: Any) -> str:
    # JupyterLab typesets what stands between two dollar signs as TeX.
    return escape(str(text)).replace("$", "<span>$</span>")


def _div(style: str, inner: str) -> str:
    return f'<div style="{escape(style)}">{inner}</div>'


def _span(style: str, inner: str) -> str:
    return f'<span style="{escape(style)}">{inner}</span>'


def _tone(name: str) -> str:
    tone = TONES[name]
    return f"color:{tone};color:color-mix(in srgb,{tone} 72%,currentColor)"


def _tint(name: str, share: float) -> str:
    red, green, blue = (int(TONES[name][at : at + 2], 16) for at in (1, 3, 5))
    return f"background:rgba({red},{green},{blue},{share})"


def _label(text: str) -> str:
    return _div(f"font-size:11px;font-weight:600;margin-bottom:3px;{_MUTED}", _text(text))


def _section(inner: str) -> str:
    return _div("padding:10px 16px 4px", inner)


def _row(*cells: tuple[str, str], style: str = f"{_ROW};border-bottom:{_LINE}") -> str:
    return _div(style, " ".join(_div(cell, inner) for cell, inner in cells))


def _pairs(rows: Iterable[State]) -> str:
    """Key: value rows; a value without a name stands alone."""
    lines = []
    for row in rows:
        value = _span(f"flex:1 1 0;min-width:0;{_WRAP}", _text(row["text"]))
        name = f"flex:0 0 96px;overflow-wrap:anywhere;{_MUTED}"
        named = f"{_span(name, _text(row['name']))} " if row["name"] else ""
        lines.append(_div("display:flex;gap:12px;padding:1px 0", named + value))
    return "".join(lines)


def _icon(tone: str) -> str:
    style = (
        f"display:inline-block;width:16px;height:16px;border-radius:50%;background:{TONES[tone]};"
        "color:#fff;text-align:center;font-size:10px;font-weight:700;line-height:16px"
    )
    return _span(style, GLYPHS[tone])


def _source(label: str) -> str:
    return _div(f"font-size:11px;font-style:italic;{_MUTED}", _text(label)) if label else ""


def _pill(tone: str, text: str) -> str:
    style = "border-radius:99px;padding:2px 10px;font-size:12px;font-weight:600;white-space:nowrap"
    return _span(f"{style};{_tint(tone, 0.14)};{_tone(tone)}", _text(text))


def _header(state: State) -> str:
    tone = RUN_TONES[state["status"]]
    word = f"{GLYPHS[tone]} {RUN_WORDS[state['status']]}"
    asked = list(dict.fromkeys(q["to"] for q in state["questions"].values()))
    if state["status"] == "waiting" and asked:
        word += f" for {', '.join(asked)}"
    left = (
        f'<b style="font-size:15px;letter-spacing:-.01em">{_text(state["name"])}</b> &nbsp;'
        f"{_pill(tone, word)} &nbsp;"
        + _span(_MUTED, _text(" · ".join(filter(None, (duration(elapsed(state)), state["mesh"])))))
    )
    right = f"<b>{_text(usd(state['spent']))}</b>"
    if state["budget"] is not None:
        right += _span(_MUTED, f" of {_text(usd(state['budget']))}")
    if state["unpriced"]:
        right += _span(_tone("wait"), " · has unpriced calls")
    if state["list_price"] != state["spent"]:
        listed = f"{_text(usd(state['list_price']))} at list price"
        right += _div(f"font-size:11.5px;{_MUTED}", listed)
    style = "display:flex;flex-wrap:wrap;gap:4px 16px;align-items:center;padding:12px 16px 10px"
    return _row(("flex:1 1 auto", left), (_RIGHT, right), style=style)


def _steps_row(state: State) -> str:
    column = "display:inline-block;vertical-align:middle;margin:3px 0"
    columns = []
    for rank in ranks(state):
        boxes = "".join(_step_box(state["steps"][name]) for name in rank)
        columns.append(_div(column, boxes))
    arrow = _div(f"display:inline-block;vertical-align:middle;padding:0 7px;{_MUTED}", "→")
    style = f"padding:9px 16px;border-top:{_LINE};border-bottom:{_LINE};{_SOFT}"
    return _div(style, arrow.join(columns))


def _step_box(step: State) -> str:
    status = step["status"]
    # Where the page has JupyterLab's colours the boxes stand out as in the live card.
    style = (
        f"width:166px;box-sizing:border-box;border:{_LINE};border-radius:8px;overflow:hidden;"
        "padding:4px 8px 5px 9px;margin:3px 0;background:var(--jp-layout-color1,transparent)"
    )
    if status in ("wait", "fail"):
        style += f";border-color:{TONES[status]};{_tint(status, 0.1)}"
    if status in ("idle", "skip", "cancelled"):
        style += ";border-style:dashed"
    one_line = "white-space:nowrap;overflow:hidden;text-overflow:ellipsis"
    name = f"{_icon(status)} <b>{_text(step['name'])}</b>"
    return _div(
        style,
        _div(f"font-size:12.5px;{one_line}", name)
        + _div(f"font-size:11px;padding-left:20px;{_MUTED};{one_line}", _text(_below(step))),
    )


def _below(step: State) -> str:
    if step["status"] in ("ok", "fail"):
        cost = usd(step["spent"]) if step["spent"] != "0" else ""
        return " · ".join(part for part in (step_time(step), cost) if part) or step["agent"]
    if step["status"] == "wait":
        return f"asks {step['asks']}"
    if step["status"] == "idle":
        return step["agent"] or step["capability"]
    return STEP_WORDS[step["status"]]


def _question(state: State, question: State) -> str:
    until = f" until {day_and_time(question['due'])}" if question["due"] is not None else ""
    head = (
        _icon("wait")
        + f" <b>{_text(question['title'])}</b> "
        + _span(_MUTED, _text(question["reason"]))
    )
    roster = ", ".join(question["roster"])
    to = roster if roster == question["to"] else f"{question['to']} ({roster})"
    asked = f"{to} is asked{until}"
    body = (
        _div("margin-bottom:6px", _text(asked))
        + _pairs(question["value"])
        + _source(question["label"])
        + "".join(
            _div(f"{_MONO};{_MUTED}", _text(condition["text"]))
            for condition in question["conditions"]
        )
        + _div(f"margin-top:6px;{_MUTED}", "Still open here: %mesh approvals shows it again.")
    )
    border = "border:1px solid rgba(179,112,15,.45);border-radius:8px;overflow:hidden"
    card = _div(f"padding:8px 12px;{_tint('wait', 0.1)}", head) + _div("padding:8px 12px", body)
    return _div("padding:12px 16px 2px", _div(border, card))


def _error(state: State) -> str:
    if not state["error"]:
        return ""
    style = f"border-left:3px solid {TONES['fail']};border-radius:4px;padding:6px 12px"
    text = _span(_WRAP, _text(state["error"]))
    return _section(_div(f"{style};{_tint('fail', 0.1)}", text))


def _result(state: State) -> str:
    if not state["output"]:
        return ""
    style = f"border-left:3px solid {TONES['ok']};border-radius:4px;padding:5px 12px"
    rows = _pairs(state["output"]) + "".join(_source(label) for label in state["labels"])
    box = _div(f"{style};{_tint('ok', 0.08)}", rows)
    return _section(_label("Result") + box)


def _decisions(state: State) -> str:
    if not state["decisions"]:
        return ""
    rows = [_decision(state, decision) for decision in state["decisions"]]
    return _section(_label("Decisions") + "".join(rows))


def _decision(state: State, decision: State) -> str:
    step = state["steps"].get(decision["step"])
    tone = decision["tone"]
    verdict = _span(f"font-weight:600;{_tone(tone)}", _text(decision["verdict"]))
    what = f"<b>{_text(step['name'] if step else decision['step'])}</b> "
    what += _span(_MUTED, _text(decision["subject"]))
    why = _div(_WRAP, _text(decision["why"]))
    for change in decision["diff"]:
        line = f"{change['path']}: {change['old']} → {change['new']}"
        why += _div(f"{_MONO};{_WRAP}", _text(line))
    if decision["note"]:
        why += _div(_WRAP, f"“{_text(decision['note'])}”")
    ways = dict.fromkeys((decision["channel"], decision["identity"]))
    how = ", ".join(way for way in ways if way)
    who = f"<b>{_text(decision['who'])}</b> " if decision["who"] else ""
    who += _div(f"font-size:11px;{_MUTED}", _text(how)) if how else ""
    who += _div(f"font-size:11px;{_MUTED}", _text(clock_time(decision["at"])))
    main = f"{_icon(tone)} {verdict} &nbsp;{what}" + _div("padding-left:20px", why)
    return _row(("flex:1 1 240px;min-width:0", main), (_RIGHT, who))


def _outputs(state: State) -> str:
    shown = [
        state["steps"][name]
        for name in state["order"]
        if state["steps"][name]["output"] or state["steps"][name]["error"]
    ]
    if not shown:
        return ""
    return _section(_label("Steps") + "".join(_output(step) for step in shown))


def _output(step: State) -> str:
    status = step["status"]
    by = " · ".join(part for part in (step["agent"], step["model"]) if part)
    name = f"{_icon(status)} <b>{_text(step['name'])}</b> " + _div(
        f"font-size:11px;padding-left:20px;{_MUTED}", _text(by)
    )
    said = _pairs(step["output"])
    if step["error"]:
        said += _span(f"{_WRAP};{_tone(status)}", _text(step["error"]))
    if step["output"]:
        said += _source(step["label"])
    used = _div(_MUTED, _text(step_time(step)))
    if step["unpriced"]:
        used += _div("", "unpriced")
    elif step["tokens"] or step["spent"] != "0":
        used += _div("", _text(usd(step["spent"])))
    if step["list_price"] != step["spent"]:
        used += _div(f"font-size:11px;{_MUTED}", f"{_text(usd(step['list_price']))} list")
    return _row(("flex:0 0 160px", name), ("flex:1 1 280px;min-width:0", said), (_RIGHT, used))


def _footer(state: State) -> str:
    done = sum(step["status"] == "ok" for step in state["steps"].values())
    facts = [
        f"run {state['id']}",
        f"{state['tokens']:,} tokens",
        f"{done} of {len(state['order'])} steps done",
        f"{state['events']:,} events",
        *([f"started by {state['requester']}"] if state["requester"] else []),
        *state["labels"],
    ]
    style = f"padding:7px 16px;margin-top:8px;border-top:{_LINE};font-size:11.5px;{_MUTED}"
    return _div(style, _text("  ·  ".join(facts)))
