"""`python -m groundglass`: the same program, by the Python it is installed in."""

from groundglass.cli.main import main

if __name__ == "__main__":
    main()
