"""Putting a mesh to work: its release, and the service that runs it and asks its people."""
