"""Google's CEL as a filter: a pickle of (names, texts) in, a pickle of (outcome, value) out.

Run as a process of its own: cel-expr-python 0.1.3 gives back references to None that it never took,
and the interpreter aborts once there are none left. An outcome is ``value``, ``error`` (of the
evaluation) or ``refused`` (by the parser).
"""

from __future__ import annotations

import os
import pickle
import sys
from typing import Any

from cel_expr_python import cel
from cel_expr_python.ext import ext_math, ext_optional, ext_strings

held = [None] * 1_000_000
names, texts = pickle.load(sys.stdin.buffer)
types = dict.fromkeys(names, cel.Type.DYN)
# These Python values are taken under their declared types only.
types |= {"at": cel.Type.TIMESTAMP, "later": cel.Type.TIMESTAMP, "now": cel.Type.TIMESTAMP}
types |= {"span": cel.Type.DURATION}
environment = cel.NewEnv(
    variables=types,
    extensions=[ext_math.ExtMath(), ext_strings.ExtStrings(), ext_optional.ExtOptional()],
)


def evaluate(text: str) -> tuple[str, Any]:
    try:
        program = environment.compile(text, disable_check=True)
    except RuntimeError as error:
        return "refused", str(error)
    try:
        value = program.eval(data=names)
    except RuntimeError as error:
        return "error", str(error)
    if value.type() == cel.Type.ERROR:
        return "error", str(value.plain_value())
    return "value", value.plain_value()


pickle.dump([evaluate(text) for text in texts], sys.stdout.buffer)
sys.stdout.flush()
os._exit(0)
