"""What an output and its values show of themselves, and that they are plain values otherwise."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from leafmesh_nb.language.to_json import dump
from leafmesh_nb.language.types import STRING
from leafmesh_nb.language.values import accept
from leafmesh_nb.memory.masking import Masker
from leafmesh_nb.mesh.output import Output

VALUES = {"said": "it is abc-secret", "n": Decimal("620.00"), "in": {"b": ["abc-secret", "<b>"]}}


@pytest.fixture
def output() -> Output:
    """An output with a secret in it."""
    return Output(VALUES, Masker(["abc-secret"]))


def shown(value: Any) -> str:
    """What a notebook saves of a cell's last expression."""
    from IPython.core.formatters import DisplayFormatter

    bundle, _ = DisplayFormatter().format(value)
    return json.dumps(bundle, ensure_ascii=False)


def test_it_shows_masked_values(output: Output) -> None:
    masked = "{'said': 'it is •••', 'n': Decimal('620.00'), 'in': {'b': ['•••', '<b>']}}"
    assert repr(output) == str(output) == f"{output}" == masked
    assert shown(output) == json.dumps({"text/plain": masked}, ensure_ascii=False)


def test_it_is_a_dict_with_the_true_values(output: Output) -> None:
    assert output == VALUES
    assert output["said"] == "it is abc-secret"
    assert json.loads(json.dumps(output, default=str))["in"] == VALUES["in"]
    for copied in (copy.copy(output), copy.deepcopy(output), pickle.loads(pickle.dumps(output))):
        assert copied == VALUES
    assert "abc-secret" not in repr(copy.deepcopy(output))


def test_the_plain_values_are_not_touched(output: Output) -> None:
    assert repr(VALUES["in"]) == "{'b': ['abc-secret', '<b>']}"
    assert type(output["n"]) is Decimal
    assert type(output["in"]["b"][1]) is str


class TestWhatIsTakenOut:
    def test_a_text_shows_itself_masked(self, output: Output) -> None:
        said = output["said"]
        assert repr(said) == f"{said!r}" == "'it is •••'"
        for taken in (said, [said], {"a": said}, output["in"], output["in"]["b"], output.values()):
            assert "abc-secret" not in shown(taken)

    def test_a_text_is_the_true_one_to_code(self, output: Output) -> None:
        said = output["said"]
        assert isinstance(said, str)
        assert said == "it is abc-secret"
        assert {said: 1}["it is abc-secret"] == 1
        assert str(said) == f"{said}" == "%s" % said == "it is abc-secret"  # noqa: UP031  # as is
        assert type(str(said)) is type(said.upper()) is type(said[:3]) is str
        assert json.dumps([said]) == '["it is abc-secret"]'
        assert repr(copy.copy(said)) == repr(copy.deepcopy(said)) == "'it is •••'"

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_it_is_pickled_as_the_plain_one(self, output: Output, protocol: int) -> None:
        for taken in (output["said"], output["in"]["b"][0], *SENSITIVE["card"].values()):
            loaded = pickle.loads(pickle.dumps(taken, protocol))
            assert loaded == taken
            assert type(loaded).__module__ in ("builtins", "decimal", "datetime")

    def test_it_is_an_input_again(self, output: Output) -> None:
        assert dump(STRING, accept(STRING, output["said"])) == "it is abc-secret"


SENSITIVE: dict[str, Any] = {
    "card": {
        "text": "x",
        "whole": 42,
        "ratio": 0.5,
        "money": Decimal("9.90"),
        "day": date(2026, 11, 22),
        "at": datetime(2026, 11, 22, 14, 32, tzinfo=UTC),
        "names": ["Jo"],
        "more": {"Jo": 1},
        "none": None,
    },
    "born": date(1990, 1, 2),
    "open": date(2026, 1, 2),
    "salary": 52000,
}


class TestASensitiveField:
    @pytest.fixture
    def output(self) -> Output:
        masker = Masker(["52000", "1990-01-02"], names=["card"])
        return Output(SENSITIVE, masker)

    def test_is_hidden_as_a_whole(self, output: Output) -> None:
        assert output == SENSITIVE
        assert repr(output) == (
            "{'card': '•••', 'born': '•••', 'open': datetime.date(2026, 1, 2), 'salary': '•••'}"
        )
        assert shown(output["card"]) == json.dumps({"text/plain": "'•••'"}, ensure_ascii=False)
        assert repr(list(output["card"])) == repr(["•••"] * 9)

    def test_so_is_all_that_is_in_it(self, output: Output) -> None:
        for name, value in output["card"].items():
            assert shown(value) == shown(None if name == "none" else "•••"), name
            assert value == SENSITIVE["card"][str(name)]
        assert shown(output["card"]["more"]["Jo"]) == shown("•••")
        assert shown(output["card"]["names"][0]) == shown("•••")

    def test_numbers_and_dates_stay_what_they_are_to_code(self, output: Output) -> None:
        card = output["card"]
        assert f"{card['whole']} {card['ratio']} {card['money']}" == "42 0.5 9.90"
        assert f"{card['whole']:04d} {card['money']:.1f} {card['day']:%Y}" == "0042 9.9 2026"
        assert str(card["whole"]) == "42"
        assert str(card["ratio"]) == "0.5"
        assert str(card["day"]) == "2026-11-22"
        assert card["money"] * 2 == Decimal("19.80")
        assert type(card["whole"] + 1) is int
        assert json.dumps([card["whole"], card["ratio"], card["more"]]) == '[42, 0.5, {"Jo": 1}]'
        assert repr(card["at"] + timedelta(days=1)) == "'•••'"
        assert card["day"].isoformat() == "2026-11-22"

    def test_a_table_of_the_persons_own_making_shows_it(self, output: Output) -> None:
        import pandas as pd

        assert "52000" in repr(pd.DataFrame([{"salary": output["salary"]}]))


def test_what_two_values_tell_together_is_hidden_in_both() -> None:
    output = Output({"a": "hun", "b": ["ter2", "4111 1111", "1111 1111"]}, Masker(["hunter2"]))
    assert repr(output) == "{'a': '•••', 'b': ['•••', '••••', '•••• 1111']}"
    assert output["a"] + output["b"][0] == "hunter2"
    assert shown(output["b"][1]) == shown("••••")


def test_keys_that_hide_something_are_found_by_the_true_ones() -> None:
    output = Output({"by": {"Jane Doe": 1, "jane doe": 2}}, Masker(["Jane Doe"]))
    assert repr(output) == "{'by': {'•••': 1, '••• 2': 2}}"
    assert output["by"]["Jane Doe"] == 1


def test_a_runs_result_is_one(desk: Any) -> None:
    mesh = desk.mesh(
        """
        mesh: office
        memory: {card: {type: string or null, sensitivity: secret}}
        agents:
          reader:
            role: Reader
            kind: python
            capabilities: {card.read: {input: {}, output: {said: string}}}
            memory: {read: [card]}
        workflows:
          get:
            input: {number: string}
            save: {card: input.number}
            steps: {a: {capability: card.read}}
            output: {said: steps.a.output.said}
        """
    )
    mesh.agent("reader")(lambda ctx: {"said": f"it is {ctx.memory.card}"})
    run = desk.start(mesh, "get", number="abc-card-secret")
    assert run.result(20) == {"said": "it is abc-card-secret"}
    assert repr(run.result(20)) == repr(run.output) == "{'said': 'it is •••'}"
    assert repr(run.result(20)["said"]) == "'it is •••'"
