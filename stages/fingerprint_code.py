"""Write the fingerprint of the code behind each stage, on which the stage depends.

Reads   src/radprompt/, stages/
Writes  code/<script>.txt: a digest for each module and template that the script uses, docstrings and comments left out
Takes   time that grows with the code
Expect  a corrected docstring changes no fingerprint, so that no other stage runs
"""

from pathlib import Path

from radprompt.core.outputs import atomic_folder
from radprompt.core.stage import run
from radprompt.repository.fingerprints import write_fingerprints

FOLDER = Path("code")


def main() -> None:
    """Write all fingerprints."""
    with atomic_folder(FOLDER) as folder:
        written = write_fingerprints(Path.cwd(), folder)
    print(f"{len(written)} fingerprints: {FOLDER}/")


if __name__ == "__main__":
    run(main)
