"""From a question in plain English to requirements, by rules; no model, no network."""
