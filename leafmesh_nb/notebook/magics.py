"""``%%mesh``, ``%mesh`` and its verbs. They parse, call and display; they hold no logic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import traitlets
from IPython.core.error import UsageError
from IPython.core.magic import (
    Magics,
    cell_magic,
    line_magic,
    magics_class,
    needs_local_scope,
    no_var_expand,
)
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring

from leafmesh_nb.mesh import settings

if TYPE_CHECKING:
    from leafmesh_nb.language.overlay import OverlayBlock
    from leafmesh_nb.notebook.workbench import Workbench

__all__ = ["MeshMagics"]


@magics_class
class MeshMagics(Magics):
    """Magics of leafmesh_nb; set traits with ``%config MeshMagics.person = "ada"``."""

    journal = traitlets.Unicode(
        "", help="path of the journal; empty: LEAFMESH_JOURNAL, else .leafmesh/journal.db"
    ).tag(config=True)
    person = traitlets.Unicode(
        "", help="who sits here and answers questions; empty: the first of those who are asked"
    ).tag(config=True)
    durability = traitlets.Enum(
        ("normal", "full"),
        "normal",
        help="what a commit survives: the end of the kernel, or the end of the power as well",
    ).tag(config=True)
    theme = traitlets.Enum(("light", "dark"), "light", help="colours of charts").tag(config=True)

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self._workbench: Workbench | None = None
        settings.on_start(lambda run: self.workbench.started_here(run))

    @property
    def workbench(self) -> Workbench:
        """Made when it is first needed: loading the extension imports no engine."""
        if self._workbench is None:
            from leafmesh_nb.notebook.workbench import Workbench

            assert self.shell is not None, "magics are made with their shell"
            self._workbench = Workbench(self.shell, self)
        return self._workbench

    @traitlets.observe("person", "journal", "durability")
    def _configured(self, change: Any) -> None:
        if change["name"] == "journal":
            settings.set_journal(change["new"] or None)
        elif change["name"] == "durability":
            settings.set_durability(change["new"])
        else:
            from leafmesh_nb.mesh.person import set_person

            set_person(change["new"])

    @no_var_expand
    @needs_local_scope
    @magic_arguments("%%mesh")
    @argument(
        "-o", "--output", metavar="NAME", help="bind the mesh to this variable (default: mesh)"
    )
    @argument(
        "--file",
        metavar="F",
        help="also write the text to this file, when the mesh is good; below an empty line, read "
        "the mesh from it",
    )
    @cell_magic("mesh")  # type: ignore[arg-type]  # IPython types it for bare functions
    def define(self, line: str, cell: str, local_ns: dict[str, Any] | None = None) -> None:
        """Define or update the mesh written below, bind it, and say what it holds."""
        from leafmesh_nb.notebook.defining import define

        given = parse_argstring(self.define, line)
        file = given.file.strip("'\"") if given.file else None
        define(self.workbench, cell, given.output or "mesh", file, local_ns or {})

    @no_var_expand
    @needs_local_scope
    @magic_arguments("%%agent")
    @argument("id", metavar="ID", help="the agent to add or to replace")
    @cell_magic("agent")  # type: ignore[arg-type]  # as above
    def agent(self, line: str, cell: str, local_ns: dict[str, Any] | None = None) -> None:
        """Add or change one agent of the current mesh: below goes what stands under its id."""
        self._edit("agents", parse_argstring(self.agent, line).id, cell, local_ns)

    @no_var_expand
    @needs_local_scope
    @magic_arguments("%%policy")
    @argument("id", metavar="ID", help="the policy to add or to replace")
    @cell_magic("policy")  # type: ignore[arg-type]  # as above
    def policy(self, line: str, cell: str, local_ns: dict[str, Any] | None = None) -> None:
        """Add or change one policy of the current mesh: below goes what stands under its id."""
        self._edit("policies", parse_argstring(self.policy, line).id, cell, local_ns)

    @no_var_expand
    @needs_local_scope
    @magic_arguments("%%workflow")
    @argument("id", metavar="ID", help="the workflow to add or to replace")
    @cell_magic("workflow")  # type: ignore[arg-type]  # as above
    def workflow(self, line: str, cell: str, local_ns: dict[str, Any] | None = None) -> None:
        """Add or change one workflow of the current mesh: below goes what stands under its id."""
        self._edit("workflows", parse_argstring(self.workflow, line).id, cell, local_ns)

    def _edit(
        self, block: OverlayBlock, id: str, cell: str, local_ns: dict[str, Any] | None
    ) -> None:
        from leafmesh_nb.notebook.overlays import edit

        edit(self.workbench, block, id, cell, local_ns or {})

    @no_var_expand
    @needs_local_scope
    @line_magic("mesh")  # type: ignore[arg-type]  # as above
    def mesh(self, line: str, local_ns: dict[str, Any] | None = None) -> Any:
        """%mesh — what is defined, what is running, what waits for you

        %mesh run WORKFLOW key=EXPR … [--step] [--input VAR] [-o NAME] [--journal PATH]
        %mesh step | resume | pause | cancel [RUN]
        %mesh approvals
        %mesh routing | decisions | memory | costs | calls | handoffs | audit | events [RUN]
        %mesh chart routing | costs | timeline [RUN]
        %mesh new agent | policy | workflow
        %mesh show [--agent ID | --policy ID | --workflow ID]
        %mesh --file F [-o NAME]        the mesh of a file
        %mesh check | test | verify
        %mesh explain [CODE] | doctor
        %mesh export [RUN] [--endpoint URL]
        %mesh deploy [--port N] [--host HOST] [-o NAME] [--stop]
        """
        from leafmesh_nb.notebook import verbs

        words = line.split(maxsplit=1)
        verb, rest = (words[0], words[1] if len(words) > 1 else "") if words else ("status", "")
        handler = verbs.VERBS.get(verb)
        if handler is None:
            raise UsageError(verbs.unknown(verb))
        return handler(self.workbench, rest, local_ns or {})
