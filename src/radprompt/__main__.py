"""``python -m radprompt``: the command line, where the program ``radprompt`` is not on the path."""

from radprompt.cli import main

if __name__ == "__main__":
    main()
