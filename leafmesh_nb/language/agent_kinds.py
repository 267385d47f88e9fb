"""What the kinds of agents have, and what they have not."""

from __future__ import annotations

from collections.abc import Mapping

from leafmesh_nb.language.blocks import Keys
from leafmesh_nb.language.context import Context
from leafmesh_nb.language.providers import OFFLINE
from leafmesh_nb.language.spec import AgentSpec, Kind

__all__ = ["check_kind"]

OF_KINDS: Mapping[str, tuple[Kind, ...]] = {
    "instructions": ("llm", "human"),
    "model": ("llm",),
    "tools": ("llm", "python"),
    "python": ("python",),
    "url": ("http", "mcp"),
    "command": ("mcp",),
    "tool": ("mcp",),
    "api_key_env": ("http", "mcp"),
}
"""The keys that only agents of some kinds have."""
WHAT_KINDS_ARE: Mapping[Kind, str] = {
    "llm": "is a model",
    "python": "is a function",
    "http": "is a JSON endpoint",
    "mcp": "is a tool of an MCP server",
    "human": "is a person who fills a form",
}


def check_kind(ctx: Context, keys: Keys, agent: AgentSpec) -> None:
    """An agent has what its kind needs, and nothing that belongs to another."""
    for name, kinds in OF_KINDS.items():
        if name in keys and agent.kind not in kinds:
            _misplaced(ctx, keys, agent.kind, name)
    match agent.kind:
        case "llm":
            _check_models(ctx, keys, agent)
        case "http" if keys.node.get("url") is None:
            ctx.collector.error(
                "LM202",
                "`url` is missing: where is the endpoint of this agent?",
                agent.span,
                "Add `url: https://…`.",
            )
        case "mcp":
            _check_server(ctx, keys, agent)


def _misplaced(ctx: Context, keys: Keys, kind: Kind, name: str) -> None:
    kinds = OF_KINDS[name]
    if kind == "llm":
        message = f"Only {_kinds(kinds)} agent has `{name}`."
        hint = f"Add `kind: {kinds[0]}`, or remove the key."
    else:
        message = f"{_kinds((kind,)).capitalize()} agent has no `{name}`."
        hint = f"It {WHAT_KINDS_ARE[kind]}: remove the key, or `kind: {kind}`."
    ctx.collector.error("LM209", message, keys.span(name), hint)


def _kinds(kinds: tuple[Kind, ...]) -> str:
    article = "an" if kinds[0] in ("llm", "http", "mcp") else "a"
    return f"{article} {' or '.join(kinds)}"


def _check_models(ctx: Context, keys: Keys, agent: AgentSpec) -> None:
    if not ctx.declared["models"] and "models" not in ctx.broken and "model" not in keys:
        ctx.collector.error(
            "LM301",
            f"The agent `{agent.id}` needs a model, and this mesh has none.",
            agent.span,
            "Add models: {quick: {provider: offline, tier: small}}, or kind: python.",
        )
    inline = agent.model is not None and agent.model.inline is not None
    if agent.tools and not inline and all(m.provider == OFFLINE for m in ctx.models.values()):
        ctx.collector.warning(
            "LM606",
            "An offline model calls no tools: this grant is never used.",
            keys.span("tools"),
            "Let a python agent call the tool.",
        )


def _check_server(ctx: Context, keys: Keys, agent: AgentSpec) -> None:
    """An MCP server is reached, or started; and one of its tools is the agent."""
    keys.together("url", "command", "a server is either reached or started")
    keys.together("command", "api_key_env", "a server that is started has this environment anyway")
    if keys.node.get("url") is None and keys.node.get("command") is None:
        ctx.collector.error(
            "LM202",
            "`url` is missing: which MCP server is this?",
            agent.span,
            "Add `url: https://…` for one that is running, or `command: [program, argument]` for "
            "one to start.",
        )
    if keys.node.get("tool") is None:
        ctx.collector.error(
            "LM202",
            "`tool` is missing: which tool of the server is this agent?",
            agent.span,
            "Add `tool: …` with its name.",
        )
