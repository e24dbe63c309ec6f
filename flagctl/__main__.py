"""`python -m flagctl`: the command line under another name."""

from flagctl.cli import main

if __name__ == "__main__":
    main()
