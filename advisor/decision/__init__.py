"""The explained decision: requirements as flags and files, the graph and the path, alternatives, sensitivity."""
