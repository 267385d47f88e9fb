"""Shared memory of a workflow: fields, grants, views, merge rules, masks. Pure."""
