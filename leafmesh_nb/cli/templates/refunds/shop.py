"""The functions of refunds.yaml: replace them by your own.

The annotations are read by `leafmesh-nb check`, which compares them with what the mesh declares.
"""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any, TypedDict

LEDGER = Path("payouts.jsonl")


class Proposal(TypedDict):
    amount: Decimal
    reason: str


class Payment(TypedDict):
    receipt: str
    amount: Decimal


class Receipt(TypedDict):
    receipt: str


def propose(ticket: str, amount: Decimal) -> Proposal:
    """What to refund, and why."""
    return {"amount": amount, "reason": f"the customer asks for {amount}"}


def pay(ticket_id: str, amount: Decimal, *, ctx: Any) -> Payment:
    """Pay through the tool: the only way to the money, and the policies stand before it."""
    paid = ctx.tool("pay_out", ticket_id=ticket_id, amount=amount)
    return {"receipt": paid["receipt"], "amount": paid.arguments["amount"]}


def pay_out(ticket_id: str, amount: Decimal) -> Receipt:
    """Move the money; here, a line in a file."""
    with LEDGER.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"ticket": ticket_id, "amount": str(amount)}) + "\n")
    return {"receipt": f"R-{ticket_id}"}
