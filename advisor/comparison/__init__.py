"""Models side by side: what they are made of, what they cost at one workload, and why they differ."""
