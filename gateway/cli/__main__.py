"""`python -m gateway.cli`: how the supervisor starts commands of this very installation."""

from gateway.cli.group import main

if __name__ == "__main__":
    main()
