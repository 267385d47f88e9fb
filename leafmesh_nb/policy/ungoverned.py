"""What to say to a side effect that no policy governs: the policy that would govern it."""

from __future__ import annotations

from leafmesh_nb.language.spec import Spec

__all__ = ["rule_to_paste"]

PERSON = "PERSON"


def rule_to_paste(spec: Spec, tool: str) -> str:
    """How to have a person asked before every call of ``tool``, as YAML to paste into the mesh.

    Who is asked is not for a message to choose: the YAML says PERSON, to be replaced by a name.
    """
    policy = (
        f"  {_free_id(spec, tool)}:\n"
        "    at: tool\n"
        f"    for: {{tools: [{tool}]}}\n"
        "    rules:\n"
        f"      - {{id: always, then: ask, to: {PERSON}}}\n"
        "    default: deny"
    )
    known = f" ({', '.join(spec.people)})" if spec.people else ""
    who = f"To have a person{known} asked every time, name them for {PERSON} and add"
    people = "" if spec.people else f"people:\n  {PERSON}: {{roles: [approver]}}"
    if not spec.policies:
        return f"{who}:\n{people}{people and chr(10)}policies:\n{policy}"
    first = f"{who} under policies:\n{policy}"
    return f"{first}\nand to the mesh:\n{people}" if people else first


def _free_id(spec: Spec, tool: str) -> str:
    name, number = f"{tool}_gate", 2
    while name in spec.policies:
        name, number = f"{tool}_gate_{number}", number + 1
    return name
