"""``python -m radprompt.own_table <stage>``, as an own table's dvc.yaml calls it."""

import sys

from radprompt.core.stage import run
from radprompt.own_table.stages import run_stage

if __name__ == "__main__":
    sys.argv[0] = "radprompt.own_table"  # for messages: the module's place says nothing to a user
    run(run_stage, "stage")
