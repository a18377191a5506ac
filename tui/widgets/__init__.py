"""Widgets that pages share; each knows nothing of the others."""
