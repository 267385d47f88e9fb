"""Every diagnostic by its code: LM1xx syntax, 2xx structure, 3xx references, 4xx types,
5xx policies, 6xx safety."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from leafmesh_nb.language.expressions.finding import CODES as EXPRESSION_CODES

__all__ = ["CODES"]

CODES: Mapping[str, str] = MappingProxyType(
    {
        **EXPRESSION_CODES,
        "LM100": "the text is empty",
        "LM101": "not valid YAML",
        "LM102": "the text is too large",
        "LM103": "nested too deeply",
        "LM104": "too many values",
        "LM105": "more than one document",
        "LM106": "a character that is not allowed",
        "LM107": "a tab as indentation",
        "LM108": "a duplicate key",
        "LM109": "a YAML tag",
        "LM120": "a YAML anchor, alias or merge key",
        "LM121": "a key that is not text",
        "LM122": "text that other YAML readers take for a boolean",
        "LM123": "a number out of range",
        "LM124": "a placeholder that was not filled",
        "LM125": "YAML splits or truncates an expression",
        "LM199": "too many to show",
        "LM201": "an unknown key",
        "LM202": "a missing key",
        "LM203": "not available yet",
        "LM204": "the wrong kind of value",
        "LM205": "not a valid id",
        "LM206": "not one of the allowed values",
        "LM207": "not a duration",
        "LM208": "a number outside its bounds",
        "LM209": "keys that do not go together",
        "LM210": "the wrong format",
        "LM211": "nothing where something is needed",
        "LM212": "two names for one mesh",
        "LM213": "the same thing twice",
        "LM214": "a key without effect",
        "LM301": "an unknown model",
        "LM302": "an unknown capability",
        "LM303": "an unknown agent",
        "LM304": "an unknown tool",
        "LM305": "an unknown memory field",
        "LM306": "nobody of that name or role",
        "LM307": "an unknown step",
        "LM308": "no model of that tier",
        "LM309": "no model of that domain",
        "LM320": "steps that wait for each other",
        "LM321": "a capability that the agent does not have",
        "LM401": "not a type",
        "LM402": "a value that does not fit its type",
        "LM403": "types that do not fit",
        "LM404": "types that cannot be proved to fit",
        "LM405": "one capability with two types",
        "LM406": "an input that is missing or unknown",
        "LM501": "two rules of one id",
        "LM502": "a question that nobody is asked",
        "LM503": "a key that belongs to questions",
        "LM504": "a policy that can never apply",
        "LM505": "a policy test that cannot be",
        "LM506": "two outcomes for one action",
        "LM601": "a secret in the text",
        "LM602": "approved unless refused",
        "LM603": "a side effect without a policy",
        "LM604": "nobody has the grant",
        "LM605": "parallel writers",
        "LM606": "a grant that cannot be used",
    }
)
