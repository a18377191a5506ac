"""The parts of an estimate, one module each; ``advisor.estimate`` puts them together."""
