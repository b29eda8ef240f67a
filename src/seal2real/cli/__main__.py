"""``python -m seal2real.cli``: the same as the command ``seal2real``."""

from seal2real.cli import main

if __name__ == "__main__":
    main()
