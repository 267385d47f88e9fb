"""The shop's side of the quickstart: who proposes a refund, who pays it, and the outside ledger.

The ledger is a plain file that the mesh knows nothing of. It shows what really happened: a line
for each payout, and none for a payout that nobody approved.
"""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

__all__ = ["clerk", "ledger", "pay_out", "teller"]


def ledger() -> Path:
    """The outside ledger: ``SHOP_LEDGER``, else ``payouts.jsonl`` in the working directory."""
    return Path(os.environ.get("SHOP_LEDGER", "payouts.jsonl"))


def clerk(ticket: str, amount: Decimal, tier: str, *, ctx: Any) -> dict[str, Any]:
    """Propose what was asked for; gold customers get it without further questions."""
    precedents = len(ctx.memory["precedents"])
    reason = f"{tier} customer asks for {amount}; {precedents} earlier cases on record"
    ctx.memory.append("precedents", f"{tier}: {amount}")
    return {"amount": amount, "reason": reason}


def teller(ticket_id: str, amount: Decimal, *, ctx: Any) -> dict[str, Any]:
    """Pay through the tool, the only way to the money; the amount is what was carried out."""
    paid = ctx.tool("pay_out", ticket_id=ticket_id, amount=amount)
    return {"receipt": paid["receipt"], "amount": paid.arguments["amount"]}


def pay_out(ticket_id: str, amount: Decimal) -> dict[str, str]:
    """Move the money: one line in the ledger, flushed to disk."""
    book = ledger()
    lines = book.read_text(encoding="utf-8").splitlines() if book.exists() else []
    receipt = f"R-{len(lines) + 1:04d}"
    entry = {"ticket_id": ticket_id, "amount": str(amount), "receipt": receipt}
    with book.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return {"receipt": receipt}
