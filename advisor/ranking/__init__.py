"""How recommendations are ranked: promises and their chances, the best way to run a model, scores, front, lineages."""
