"""The stages of an own table's pipeline; each reads and writes files below the working directory, as dvc.yaml lists."""

import shutil
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from radprompt.core.errors import InputError
from radprompt.core.outputs import atomic_folder, write_csv, write_json
from radprompt.own_table.baselines import Taught, teach
from radprompt.own_table.checking import Checked, check
from radprompt.own_table.encoding import Encoder
from radprompt.own_table.language_model import BACKBONE, MODEL, Told, at_other_sites, build, learn, speak, with_patients
from radprompt.own_table.lessons import Lesson, first_lesson, other_lessons
from radprompt.own_table.params import load_own_params
from radprompt.own_table.predictions import read_predictions, write_predictions
from radprompt.own_table.rows import prompt_table, raw_rows, read_rows, write_rows
from radprompt.own_table.selecting import choose
from radprompt.own_table.store import read_checked, read_json, write_checked
from radprompt.selection.record import Selection
from radprompt.tables.prompts import read_prompts, write_prompts

TABLE = Path("data/table.csv")
STANDARDISED, PROMPTS = Path("data/standardised.csv"), Path("data/prompts.jsonl")
ENCODER, SELECTION = Path("models/encoder.json"), Path("models/selection.json")
LANGUAGE_MODEL = Path("models/language_model")
OTHER, OTHER_MODELS, ADAPTED = Path("data/other_sites"), Path("models/other_sites"), Path("models/adapted")
PREDICTIONS, NOTES = Path("data/predictions"), Path("data/notes")
CHECKPOINT = Path(".radprompt/first")


def check_table() -> None:
    """data/table.csv -> data/{cases,features}.csv, data/columns.json, metrics/table.json."""
    params = load_own_params()
    checked = check(TABLE, params.table, params.split, params.seed)
    write_checked(checked)
    _say(f"{len(checked.about)} cases of {len(checked.sites)} site(s), {len(checked.columns)} features", checked.notes)
    for name, reason in checked.left_out.items():
        _say(f"column {name!r} is left out: {reason}")
    for exclusion in checked.exclusions:
        _say(f"row {exclusion.row} is left out: {exclusion.reason}")


def standardise() -> None:
    """Turn the first site's cases z-scores -> data/standardised.csv, models/encoder.json."""
    params, checked = load_own_params(), read_checked()
    rows = raw_rows(checked, first_lesson(checked.sites), params.seed)
    encoder = Encoder.fit(rows.of("train").values)
    encoder.save(ENCODER)
    write_rows(STANDARDISED, rows._replace(values=encoder.transform(rows.values)))
    _say(f"{len(encoder.features)} features standardised on {len(encoder.scaler.fitted_on)} training cases")


def select() -> None:
    """data/standardised.csv -> models/selection.json."""
    params, encoder = load_own_params(), Encoder.load(ENCODER)
    train = read_rows(STANDARDISED, encoder).of("train")
    selection = choose(train.values, train.labels, encoder, params.features)
    selection.save(SELECTION)
    _say(f"{len(selection.features)} features: {', '.join(selection.features[:12])}")


def write_first_prompts() -> None:
    """data/standardised.csv, models/selection.json -> data/prompts.jsonl."""
    params, encoder = load_own_params(), Encoder.load(ENCODER)
    table = prompt_table(read_rows(STANDARDISED, encoder), encoder, Selection.load(SELECTION), params)
    write_prompts(PROMPTS, table)
    _say(f"{len(table)} prompts, such as: {table['prompt'].iloc[0]}")


def lay_backbone() -> None:
    """Lay the pretrained model down in models/backbone."""
    from radprompt.llm.backbone import write_backbone

    params = load_own_params()
    with atomic_folder(BACKBONE) as folder:
        record = write_backbone(params.llm.backbone.source, params.llm.backbone.revision, folder)
    _say(f"backbone: {record['source']}, {record['config']['layers']} layers")


def language_model() -> None:
    """data/prompts.jsonl, models/backbone -> models/language_model, data/predictions/llm.csv, plots/training."""
    from radprompt.llm.curves import live_curves

    params, checked = load_own_params(), read_checked()
    told = Told(first_lesson(checked.sites), with_patients(read_prompts(PROMPTS), checked.about))
    classifier, parts = build(params, params.seed), []
    with atomic_folder(LANGUAGE_MODEL) as models:
        for seed in params.seeds:
            classifier.set_params(seed=seed)
            with live_curves("plots/training") if seed == params.seed else nullcontext() as on_epoch:
                learn(classifier, told, on_epoch=on_epoch, checkpoint=CHECKPOINT)
            classifier.save(models / f"seed_{seed}")
            parts.append(speak(classifier, told, MODEL, seed))
    write_predictions(PREDICTIONS / "llm.csv", parts)
    shutil.rmtree(CHECKPOINT, ignore_errors=True)
    _say(f"language model: epoch {classifier.state_.best_epoch} of {len(classifier.state_.history)} kept")


def baselines() -> None:
    """data/standardised.csv, models/selection.json -> data/predictions/baselines.csv, data/notes/baselines.json."""
    params, checked = load_own_params(), read_checked()
    spoken = teach(_first(checked), [], params)
    write_predictions(PREDICTIONS / "baselines.csv", spoken.predictions)
    _note("baselines", spoken.notes)


def other_sites() -> None:
    """Scale, select and render each lesson of the other sites on its own -> data/other_sites, models/other_sites."""
    params, checked = load_own_params(), read_checked()
    lessons, notes = other_lessons(checked.about, checked.sites, params.adaptation)
    kept = []
    with atomic_folder(OTHER) as data, atomic_folder(OTHER_MODELS) as models:
        for lesson in lessons:
            if lesson.cases == 0:
                encoder, selection = Encoder.load(ENCODER), Selection.load(SELECTION)
                lacking = _lacking(checked, lesson.site, selection)
                if lacking:
                    notes.append(
                        f"Site {lesson.site} lacks {', '.join(lacking)}: without its own cases nothing is said."
                    )
                    continue
            rows = raw_rows(checked, lesson, params.seed)
            train = rows.of("train")
            if lesson.cases != 0:
                encoder = Encoder.fit(train.values)
                z = encoder.transform(train.values)
                selection = choose(z, train.labels, encoder, params.features)
            rows = rows._replace(values=encoder.transform(rows.values))
            encoder.save(models / lesson.key / "encoder.json")
            selection.save(models / lesson.key / "selection.json")
            write_rows(data / f"{lesson.key}.csv", rows)
            write_prompts(data / f"{lesson.key}.jsonl", prompt_table(rows, encoder, selection, params))
            kept.append(lesson)
        write_json(data / "lessons.json", {"lessons": [lesson.record() for lesson in kept], "notes": notes})
    _say(f"{len(kept)} lessons of {len(checked.sites) - 1} other site(s)", notes)


def adapted_language_model() -> None:
    """data/other_sites, models/language_model -> models/adapted, data/predictions/other_sites_llm.csv."""
    params, checked = load_own_params(), read_checked()
    told = [
        Told(lesson, with_patients(read_prompts(OTHER / f"{lesson.key}.jsonl"), checked.about))
        for lesson in read_lessons()
    ]
    saved = {seed: LANGUAGE_MODEL / f"seed_{seed}" for seed in params.seeds}
    with atomic_folder(ADAPTED) as keep:
        parts = at_other_sites(told, params, saved, keep) if told else []
    write_predictions(PREDICTIONS / "other_sites_llm.csv", parts)
    _say(f"{len(told)} lessons learned by the language model" if told else "one site: nothing to adapt to")


def adapted_baselines() -> None:
    """data/other_sites, data/standardised.csv -> data/predictions/other_sites_baselines.csv."""
    params, checked = load_own_params(), read_checked()
    taught = []
    for lesson in read_lessons():
        encoder = Encoder.load(OTHER_MODELS / lesson.key / "encoder.json")
        rows = read_rows(OTHER / f"{lesson.key}.csv", encoder)
        taught.append(Taught(lesson, rows, encoder, Selection.load(OTHER_MODELS / lesson.key / "selection.json")))
    parts, notes = [], []
    if taught:
        spoken = teach(_first(checked), taught, params)
        parts, notes = spoken.predictions, spoken.notes
    write_predictions(PREDICTIONS / "other_sites_baselines.csv", parts)
    _note("other_sites_baselines", notes)


def evaluate() -> None:
    """data/predictions -> metrics/{summary.json,comparison.csv,learning_curve.csv}, plots/evaluation."""
    from radprompt.evaluation.figures import curves, draw
    from radprompt.evaluation.tables import summary
    from radprompt.own_table.evaluation import compare_settings, draw_curve, learning_curve, rivals
    from radprompt.pages.drawing import write_svg

    params, checked = load_own_params(), read_checked()
    first, others = first_lesson(checked.sites), read_lessons()
    settings = {lesson.setting: lesson.site for lesson in [first, *others]}
    predictions = read_predictions(PREDICTIONS.glob("*.csv"), checked.about, settings)
    comparison = compare_settings(predictions, settings, params)
    write_json("metrics/summary.json", summary(comparison))
    write_csv("metrics/comparison.csv", comparison)
    rival = rivals(predictions, others, params)
    train = checked.about[checked.about["split"] == "train"]
    points = learning_curve(
        predictions, others, rival, {site: int((train["site"] == site).sum()) for site in checked.sites}
    )
    write_csv("metrics/learning_curve.csv", points)
    whole = {lesson.setting: lesson.site for lesson in [first, *others] if lesson.cases is None}
    with atomic_folder("plots/evaluation") as folder:
        for setting, site in whole.items():
            rows = predictions[(predictions["setting"] == setting) & (predictions["split"] == "test")]
            for kind, drawn in curves(rows, params.evaluation.calibration_bins, MODEL).items():
                if kind in ("roc", "calibration"):
                    figure = draw(kind, drawn, f"{'ROC' if kind == 'roc' else 'Calibration'}, {site}")
                    if kind == "calibration":
                        figure.supxlabel(f"Mean probability of {checked.classes[1]}", fontsize=9)
                        figure.supylabel(f"{checked.classes[1]}, fraction", fontsize=9)
                    write_csv(folder / f"{setting}_{kind}.csv", drawn)
                    write_svg(folder / f"{setting}_{kind}.svg", figure)
            if site != first.site:
                write_svg(folder / f"{setting}_curve.svg", draw_curve(points, site))
    _say(f"{comparison['model'].nunique()} models in {comparison['setting'].nunique()} settings")


def report() -> None:
    """Everything above -> reports/index.html."""
    from radprompt.core.outputs import write_text
    from radprompt.own_table.report import build as build_page

    page = build_page(Path(), load_own_params())
    write_text("reports/index.html", page)
    _say(f"reports/index.html: {len(page.encode()) / 1024:.0f} kB")


STAGES: dict[str, Callable[[], None]] = {
    "check": check_table,
    "standardise": standardise,
    "select": select,
    "prompts": write_first_prompts,
    "backbone": lay_backbone,
    "language_model": language_model,
    "baselines": baselines,
    "other_sites": other_sites,
    "adapted_language_model": adapted_language_model,
    "adapted_baselines": adapted_baselines,
    "evaluate": evaluate,
    "report": report,
}


def run_stage(name: str) -> None:
    """Run one stage in the working directory; another name is an :class:`InputError`."""
    if name not in STAGES:
        raise InputError(f"no stage is called {name!r}", fix=f"use one of: {', '.join(STAGES)}")
    STAGES[name]()


def read_lessons() -> list[Lesson]:
    """Read the lessons of the other sites."""
    return [Lesson(**record) for record in read_json(OTHER / "lessons.json")["lessons"]]


def _first(checked: Checked) -> Taught:
    encoder = Encoder.load(ENCODER)
    rows = read_rows(STANDARDISED, encoder)
    return Taught(first_lesson(checked.sites), rows, encoder, Selection.load(SELECTION))


def _lacking(checked: Checked, site: str, selection: Selection) -> list[str]:
    sites = {column.name: column.sites for column in checked.columns}
    return [name for name in selection.features if site not in sites[name]]


def _note(name: str, notes: list[str]) -> None:
    write_json(NOTES / f"{name}.json", {"notes": notes})
    for note in notes:
        _say(note)


def _say(text: str, notes: list[str] | tuple[()] = ()) -> None:
    for line in (text, *notes):
        print(line)  # noqa: T201 - a stage's last lines
