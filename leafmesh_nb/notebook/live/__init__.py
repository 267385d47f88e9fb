"""The live card of a run in a notebook."""
