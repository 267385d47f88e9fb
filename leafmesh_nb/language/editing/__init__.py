"""What an editor asks of a mesh that is being written: what may stand here, and what this is.

    draft = Draft(text, spec=mesh_in_force)
    complete(draft, offset)                  [Completion]
    document(draft, offset)                  a Doc, or None
    mesh_schema()                            the JSON Schema of a mesh

``reference`` says what keys there are, from the tables that the compiler reads by; ``outline``
makes out what a half-written text holds, ``position`` where a cursor is in it, ``known`` and
``environment`` which names and types it has there. Nothing here checks: that is the compiler's.
"""
