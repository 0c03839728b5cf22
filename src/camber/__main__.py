"""``python -m camber`` is the ``camber`` command."""

from camber.cli import main

if __name__ == "__main__":
    main()
