"""The engine: a run is a list of events, everything else is a view of it."""
