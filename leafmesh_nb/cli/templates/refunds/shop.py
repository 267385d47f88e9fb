"""The functions of refunds.yaml: replace them by your own."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

LEDGER = Path("payouts.jsonl")


def propose(ticket: str, amount: Decimal) -> dict[str, Any]:
    """What to refund, and why."""
    return {"amount": amount, "reason": f"the customer asks for {amount}"}


def pay(ticket_id: str, amount: Decimal, *, ctx: Any) -> dict[str, Any]:
    """Pay through the tool: the only way to the money, and the policies stand before it."""
    paid = ctx.tool("pay_out", ticket_id=ticket_id, amount=amount)
    return {"receipt": paid["receipt"], "amount": paid.arguments["amount"]}


def pay_out(ticket_id: str, amount: Decimal) -> dict[str, str]:
    """Move the money; here, a line in a file."""
    receipt = f"R-{ticket_id}"
    with LEDGER.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"ticket": ticket_id, "amount": str(amount)}) + "\n")
    return {"receipt": receipt}
