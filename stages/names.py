"""Let the backbone read the features' names, once: the vectors behind the named model's prior.

Reads   settings.yaml; params.yaml (seed, prompt, named); the columns of data/standardised/, models/selection/;
        models/backbone/, or where a study trains no language model, the packaged one
Writes  models/names/states.safetensors (a vector a name), models/names/directions.json (which way the backbone says
        that each feature points, in [-1, 1], four digits; of no, some or all names, as named.elicit says)
Takes   time that grows with the features and the model's weights: one forward pass a name, no values, no rows; with
        named.elicit some ten more through all layers
Expect  as many vectors as there are features, more where names are shuffled or censored
"""

from pathlib import Path

from radprompt.core.outputs import atomic_folder, write_json
from radprompt.core.params import Backbone
from radprompt.core.stage import run
from radprompt.core.table_params import load_study_params
from radprompt.llm.backbone import write_backbone
from radprompt.llm.packaged import PACKAGED, cache_folder
from radprompt.named.direction import elicit
from radprompt.named.states import read_states
from radprompt.named.variants import wanted_names
from radprompt.selection.record import Selection
from radprompt.study.settings import load_settings
from radprompt.tables.embeddings import write_embeddings
from radprompt.tables.features import read_standardised

BACKBONE, REFERENCE = Path("models/backbone"), Path(".radprompt/backbone")


def main() -> None:
    """Write the vectors of all names."""
    params, settings = load_study_params(), load_settings()
    backbone, cache = (BACKBONE, None) if BACKBONE.is_dir() else (_own_backbone(params.llm.backbone), cache_folder())
    tables = [read_standardised(f"data/standardised/{name}.csv") for name in settings]
    selections = [
        Selection.load(path) for name in settings for path in settings[name].selection_file(0).parent.glob("*.json")
    ]
    names = wanted_names(tables, selections, params.prompt, params.seed)
    vectors = read_states(backbone, names, layer=params.named.layer, instruction=params.prompt.instruction, cache=cache)
    firsts = [
        Selection.load(settings[name].selection_file(repeat))
        for name in settings
        for repeat in ((0, "start") if settings[name].continues else (0,))
    ]
    asked = {"none": [], "shown": wanted_names([], firsts, params.prompt, params.seed), "used": names}[
        params.named.elicit
    ]
    first, second = params.named.outcomes
    directions = list(elicit(backbone, asked, (first, second))) if asked else []
    with atomic_folder("models/names") as folder:
        write_embeddings(folder / "states.safetensors", names, vectors)
        write_json(folder / "directions.json", {n: round(float(d), 4) for n, d in zip(asked, directions, strict=True)})
    print(f"{len(names)} names, vectors of {vectors.shape[1]} dimensions, {len(asked)} directions: models/names/")


def _own_backbone(wanted: Backbone) -> str | Path:
    """Return the packaged model's name, or a folder that refers to another one."""
    if wanted.source == PACKAGED:
        return PACKAGED
    with atomic_folder(REFERENCE) as folder:
        write_backbone(wanted.source, wanted.revision, folder)
    return REFERENCE


if __name__ == "__main__":
    run(main)
