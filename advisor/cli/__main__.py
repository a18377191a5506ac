"""``python -m advisor.cli``: the command without its entry point."""

from advisor.cli import main

if __name__ == "__main__":
    main()
