"""Who performs a step: models and functions, behind the engine's ports; prices."""
