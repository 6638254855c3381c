"""What an export is made from: one trained model of the pipeline, found and checked against params and itself."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from radprompt.core.errors import InputError
from radprompt.core.params import Params, load_params
from radprompt.evaluation.paper import is_synthetic
from radprompt.evaluation.shapley import choose_background
from radprompt.evaluation.thresholds import choose_thresholds, main_threshold
from radprompt.export.record import FORMAT, Range, Record, Tested, Training
from radprompt.pages.report.reader import Reader
from radprompt.pages.report.results import read_comparison
from radprompt.selection.record import Selection
from radprompt.study.recipe import Recipe
from radprompt.study.scaling import FeatureScaler
from radprompt.study.settings import Setting, Settings, load_settings
from radprompt.tables.cohort import of_setting
from radprompt.tables.features import read_features, read_standardised
from radprompt.tables.left_out import WORDS, is_left_out
from radprompt.tables.lesions import read_lesions
from radprompt.tables.predictions import read_predictions
from radprompt.tables.prompts import read_prompts

LANGUAGE_MODEL = "llm"
"""Its name among the models in predictions and metrics."""

_STALE = "run `dvc repro`: params and artefacts come from different runs"


@dataclass(frozen=True)
class Sources:
    """One trained model of the repository that is the working directory.

    ``rows`` are the setting's lesions in the half: ``lesion_id``, ``split``, ``label`` and the raw features.
    """

    params: Params
    settings: Settings
    setting: Setting
    half: int
    adapter: Path
    scaler: FeatureScaler
    selection: Selection
    rows: pd.DataFrame

    @classmethod
    def find(cls, name: str, half: int) -> "Sources":
        """Find a setting's model of a half, trained from the first seed.

        Raises
        ------
        InputError
            There is no such setting, half or artefact, or the artefacts do not belong together.
        """
        params, settings = load_params(), load_settings()
        setting = settings[name]
        halves = setting.repeats(params.adaptation.repeats.llm)
        if half not in halves:
            found = f"halves 0 to {halves[-1]}" if setting.repeated else "one sample: half 0"
            raise InputError(f"no half {half}", where="--half", fix=f"setting {name} has {found}")
        adapter = setting.model_folder(half, params.seed)
        if is_left_out(adapter.parent):
            raise InputError(WORDS, where="params.yaml", fix="set llm.tuning: lora, `dvc repro`, and export again")
        if not (adapter / "classifier.json").is_file():
            raise InputError("no trained language model", where=str(adapter), fix="run `dvc repro`, or `dvc pull`")
        table = of_setting(read_standardised(f"data/standardised/{name}.csv"))
        own = table.loc[table["repeat"] == half, ["lesion_id", "split", "label"]]
        features = pd.concat([read_features(f"data/features/{dataset}.csv") for dataset in setting.datasets])
        rows = own.merge(features, on="lesion_id", how="left", validate="one_to_one")
        sources = cls(
            params,
            settings,
            setting,
            half,
            adapter,
            FeatureScaler.load(setting.scaler_file(half)),
            Selection.load(setting.selection_file(half)),
            rows,
        )
        sources._check_params()
        sources._check_prompts()
        return sources

    @property
    def classifier(self) -> dict[str, Any]:
        """The adapter's ``classifier.json``."""
        return json.loads((self.adapter / "classifier.json").read_text(encoding="utf-8"))

    @property
    def named(self) -> Path:
        """The folder of the named model on the selected features."""
        return Path("models/named", self.setting.name, str(self.half if self.setting.trains else 0), "named")

    @property
    def recipe(self) -> Recipe:
        """How features as measured become the sentence that the model reads."""
        return Recipe(self.params.prompt, self.params.seed, self.selection, self.scaler)

    def background(self) -> pd.DataFrame:
        """Return what the sentences of some training rows say, without ids: shares are counted against their mean."""
        rows = choose_background(self.train, self.params.explain.background, self.params.seed)
        z = self.recipe.standardise(rows.set_index("lesion_id")[list(self.scaler.features)])
        return self.recipe.values(z).reset_index(drop=True)

    @property
    def train(self) -> pd.DataFrame:
        """The rows that the model learned from."""
        return self.rows[self.rows["split"] == "train"]

    @property
    def unit(self) -> Literal["mm", "px"]:
        """The unit of lengths in the training features: px also where no lesion of the data set has a spacing."""
        spacing = read_lesions(f"data/lesions/{self.setting.train.dataset}.csv")["spacing_mm"]
        return "mm" if self.params.radiomics.shape_unit == "mm" and spacing.notna().any() else "px"

    def record(self) -> Record:
        """Return what the exported model says of itself."""
        from radprompt import __version__

        params, dataset = self.params, self.setting.train.dataset
        threshold, rule = self.threshold()
        return Record(
            format=FORMAT,
            radprompt=__version__,
            setting=self.setting.name,
            title=self.setting.title,
            repeated=self.setting.repeated,
            half=self.half,
            seed=params.seed,
            synthetic=is_synthetic(params),
            unit=self.unit,
            contours=getattr(params.radiomics.masks, dataset),
            context=params.segmentation.context,
            mask_threshold=params.segmentation.threshold,
            threshold=threshold,
            rule=rule,
            orders=params.explain.orders,
            radiomics=params.radiomics,
            prompt=params.prompt,
            training=Training(dataset, len(self.train), int(self.train["label"].sum())),
            tested=self.tested(),
            ranges=training_ranges(self.train, self.selection.features),
        )

    def threshold(self) -> tuple[float | None, str]:
        """Return the threshold of this very model, and in words how it came about."""
        evaluation, name = self.params.evaluation, self.setting.name
        run = (name, self.half, LANGUAGE_MODEL, self.params.seed)
        if isinstance(evaluation.threshold, float):
            return evaluation.threshold, "given in params.yaml"
        known = {setting.name: setting.repeated for setting in self.settings.values()}
        predictions = read_predictions([f"data/predictions/{name}/llm.csv"], known, name, self.settings.shared)
        chosen = main_threshold(run, choose_thresholds(predictions, evaluation), evaluation)
        rule = "Youden's index" if evaluation.threshold == "youden" else "fixed sensitivity"
        if chosen is None:
            return None, f"validation rows of one class cannot choose one ({rule})"
        return chosen, f"chosen on the model's validation rows ({rule})"

    def tested(self) -> Tested | None:
        """Return the language model's AUC on the setting's test lesions; None before it was evaluated."""
        comparison = read_comparison(Reader("."))
        if comparison is None:
            return None
        own = comparison[
            (comparison["setting"] == self.setting.name)
            & (comparison["model"] == LANGUAGE_MODEL)
            & (comparison["metric"] == "auc")
        ]
        if own.empty or not all(math.isfinite(own.iloc[0][name]) for name in ("value", "low", "high")):
            return None
        row = own.iloc[0]
        halves = int(row["repeats"]) if "repeats" in row and pd.notna(row["repeats"]) else 1
        auc, low, high = (float(row[name]) for name in ("value", "low", "high"))
        return Tested(auc, low, high, self.params.evaluation.confidence, int(row["lesions"]), halves)

    def _check_params(self) -> None:
        """Refuse artefacts that were made with other params than those of now, as far as they tell."""
        params = self.params
        given = {**vars(params.llm), **vars(params.llm.lora), **vars(params.prompt)}
        trained = self.classifier["parameters"]
        segmenter, backbone = _json("models/segmenter/segmenter.json"), _json("models/backbone/source.json")
        made = [
            ("models/backbone", "llm.backbone", backbone, vars(params.llm.backbone), {"source", "revision"}),
            (str(self.adapter), "llm or prompt", trained, given, set(trained) - {"backbone", "device", "precision"}),
            ("models/segmenter", "segmentation", segmenter, vars(params.segmentation), {"context", "roi_size", "plan"}),
        ]
        for where, section, record, now, names in made:
            for name in sorted(names & now.keys()):
                if record[name] != now[name]:
                    raise InputError(
                        f"made with {name} {record[name]!r}; params.yaml, {section}, now says {now[name]!r}",
                        where=where,
                        fix=_STALE,
                    )
        learnt = self.adapter / "lesions.json"
        if self.setting.trains and learnt.is_file():
            ids = set(json.loads(learnt.read_text(encoding="utf-8"))["train"])
            if ids != set(self.train["lesion_id"]):
                raise InputError("trained on other lesions than the setting's", where=str(learnt), fix=_STALE)

    def _check_prompts(self) -> None:
        """Word every lesion of the half as the exported model would, and compare with what the pipeline wrote."""
        path = f"data/prompts/{self.setting.name}.jsonl"
        written = read_prompts(path)
        expected = written[written["repeat"] == self.half].set_index("lesion_id")["prompt"]
        z = self.recipe.standardise(self.rows.set_index("lesion_id")[list(self.scaler.features)])
        prompts = self.recipe.prompts(z)
        if set(z.index) != set(expected.index):
            raise InputError("prompts of other lesions than the standardised table's", where=path, fix=_STALE)
        for lesion, prompt in zip(z.index, prompts, strict=True):
            if prompt != expected[lesion]:
                raise InputError(
                    f"the pipeline wrote {expected[lesion]!r} for {lesion}, the exported model would read {prompt!r}",
                    where=path,
                    fix=_STALE,
                )


def _json(path: str) -> dict[str, Any]:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("no such file", where=path, fix="run `dvc repro`, or `dvc pull`") from None


def training_ranges(train: pd.DataFrame, features: tuple[str, ...]) -> dict[str, Range]:
    """Return each feature's range over the training lesions, raw values a row a lesion."""
    return {
        key: Range(
            float(train[key].min()), float(train[key].quantile(0.01)), float(train[key].quantile(0.99)),
            float(train[key].max()),
        )
        for key in features
    }  # fmt: skip
