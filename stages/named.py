"""Fit the named model in one setting and let it predict; test whether the names tell anything.

    python stages/named.py inbreast_extended

Reads   settings.yaml; params.yaml (seed, prompt, named, adaptation.repeats.baselines); data/standardised/<setting>.csv
        and models/selection/<setting>/; models/names/
Writes  data/predictions/<setting>/named.csv (models named, named_all; where a model is continued also named_permuted
        and named_without_names), models/named/<setting>/<repeat>/ (named and named_all), metrics/named/<setting>.json
        (evidence, scales, p-value of the names, of repeat 0), metrics/named/<setting>_coefficients.csv and
        plots/named/<setting>.svg (of repeat 0)
Takes   time that grows with repeats, rows and features; no GPU
Expect  within a site a well-regularised logistic regression; names pay between sites and with few cases, if they do
"""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from radprompt.core.compute import parallel_map
from radprompt.core.outputs import atomic_folder, write_csv, write_json
from radprompt.core.stage import run
from radprompt.core.table_params import load_study_params
from radprompt.evaluation.coefficients import draw_coefficients
from radprompt.named.fitting import Job, fit_repeat, fit_starts, summary
from radprompt.named.variants import ALL, SELECTED
from radprompt.pages.drawing import write_svg
from radprompt.selection.record import Selection
from radprompt.study.settings import load_settings
from radprompt.tables.cohort import of_setting, of_start
from radprompt.tables.embeddings import read_embeddings
from radprompt.tables.features import read_standardised
from radprompt.tables.predictions import write_predictions


def main(name: str) -> None:
    """Fit and predict every repeat of one setting."""
    params, setting = load_study_params(), load_settings()[name]
    table, vectors = (
        read_standardised(f"data/standardised/{name}.csv"),
        read_embeddings("models/names/states.safetensors"),
    )
    directions = json.loads(Path("models/names/directions.json").read_text(encoding="utf-8")) or None
    rows = of_setting(table)
    repeats = list(setting.repeats(params.adaptation.repeats.baselines))
    jobs = [
        Job(own, rows[rows["repeat"].isin(own)], Selection.load(setting.selection_file(own[0])))
        for own in ([[repeat] for repeat in repeats] if setting.trains else [repeats])
    ]
    given: dict[str, Any] = {"vectors": vectors, "directions": directions, "params": params}
    if setting.continues:
        first = Selection.load(setting.selection_file("start"))
        given["starts"] = fit_starts(of_start(table), first, **given)
    given |= {"setting": name, "labelled": setting.labelled}
    with atomic_folder(f"models/named/{name}") as folder:
        done = parallel_map(
            fit_repeat, jobs, params.compute, f"Named model in {name}", unit="repeat", light=True, **given
        )
        for job, fitted in zip(jobs, done, strict=True):
            for model in (SELECTED, ALL):
                fitted.classifiers[model].save(folder / str(job.repeats[0]) / model)
    found = {model: summary(done[0].classifiers[model], params.named.draws) for model in (SELECTED, ALL)}
    coefficients = pd.concat(
        [done[0].classifiers[model].coefficients().assign(model=model) for model in (SELECTED, ALL)]
    )
    write_predictions(f"data/predictions/{name}/named.csv", pd.concat([fitted.predictions for fitted in done]))
    write_json(f"metrics/named/{name}.json", {name: found})
    write_csv(f"metrics/named/{name}_coefficients.csv", coefficients)
    write_svg(
        f"plots/named/{name}.svg", draw_coefficients(coefficients[coefficients["model"] == SELECTED], setting.title)
    )
    words = ", ".join(f"{model} p {own['names_p']:.3f}" for model, own in found.items())
    print(f"{name}: {len(repeats)} repeat(s); do the names tell anything: {words}; metrics/named/{name}.json")


if __name__ == "__main__":
    run(main, "setting")
