"""`python -m fasterapi` is the command `fasterapi`."""

from fasterapi.cli import main

if __name__ == "__main__":
    main(prog_name="python -m fasterapi")
