"""The part of the engine that touches time: it performs effects and appends what came of them."""
