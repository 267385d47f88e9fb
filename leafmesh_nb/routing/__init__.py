"""Who performs a step: filters, suitability, and the choice of model. Pure."""
