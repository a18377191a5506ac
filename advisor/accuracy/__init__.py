"""Predictions beside measurements: readers of measured tables, errors by group, and how often error bands hold."""
