"""The protocols: which lesions a model is trained, validated and tested on, the same for every model.

They are data: ``settings.yaml``. At a second site patients are halved: one half adapts, the other tests. One split of
so few says little, so several are drawn (``repeat`` 0, 1, ...), and every model sees the same ones.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from radprompt.core.errors import InputError

FILE = "settings.yaml"
PRETRAINED = "pretrained"
"""``start`` of a setting that continues no other one's model."""

_STRICT = ConfigDict(extra="forbid", strict=True)
_Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")]
_Lesions = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+/[a-z]+$")]
_Share = Annotated[float, Field(gt=0, lt=1)]

SHARED = "patients on both sides"
"""Added to the title of a setting that lets a patient be on both sides, so that every page and table says so."""


class Members(NamedTuple):
    """The lesions of one data set that carry one split: of its lesion table, or where they are drawn, of the draws."""

    dataset: str
    split: str


@dataclass(frozen=True, config=_STRICT)
class Drawing:
    """How a setting draws its lesions in each repeat, from some splits of its data set's lesion table.

    Attributes
    ----------
    splits
        Splits whose lesions are drawn from; other lesions of the data set are not used.
    by
        ``patient``: all lesions of a patient go together. ``lesion``: each by itself, so that patients, and both views
        of a mass, may be on both sides; the leakage gate then counts them and does not stop.
    test, val
        Shares, rounded up: of all that is drawn from, and of the rest.
    """

    splits: Annotated[list[str], Field(min_length=1)]
    by: Literal["patient", "lesion"]
    test: _Share
    val: _Share


@dataclass(frozen=True, config=_STRICT)
class _Entry:
    title: str
    paper: str | None
    train: _Lesions
    val: _Lesions
    test: _Lesions
    start: str
    trains: bool
    selection: str
    labelled: bool = True
    repeats: Annotated[int, Field(gt=0)] | None = None
    folds: Annotated[int, Field(gt=1)] | None = None
    ratio: Annotated[float, Field(gt=0)] = 1.0
    drawn: Drawing | None = None


@dataclass(frozen=True, config=_STRICT)
class DataSet:
    """Names of a data set: in full, and for narrow places."""

    title: str
    short: str


@dataclass(frozen=True, config=_STRICT)
class Curve:
    """The setting that is continued, and those at the curve's ends: without lesions of the site, and with all."""

    title: str
    start: str
    none: str
    continued: str
    restarted: str


@dataclass(frozen=True, config=_STRICT)
class DriftPair:
    """The setting whose training lesions are the reference, and the data set that is compared with them."""

    reference: str
    other: str


@dataclass(frozen=True, config=_STRICT)
class Side:
    """A setting and what the report says of its models."""

    setting: str
    words: str


@dataclass(frozen=True, config=_STRICT)
class Step:
    """Two settings whose figures stand side by side in the report."""

    title: str
    before: Side
    after: Side


@dataclass(frozen=True, config=_STRICT)
class _File:
    settings: dict[_Name, _Entry]
    halved: list[str]
    explained: list[str]
    data_sets: dict[str, DataSet]
    measured: list[str] | None = None
    curves: Annotated[dict[_Name, Curve], Field(max_length=1)] = Field(default_factory=dict)
    drifts: Annotated[dict[_Name, DriftPair], Field(max_length=1)] = Field(default_factory=dict)
    steps: list[Step] = Field(default_factory=list)


class Setting(NamedTuple):
    """One protocol.

    Attributes
    ----------
    name
        Name in files and metrics.
    title
        Name in tables and pages.
    paper
        Table of the paper that it stands for; None: not in the paper.
    train, val, test
        Its lesions. The scaler is fitted on ``train`` alone; ``val`` keeps the best epoch and chooses thresholds.
    start
        Setting whose trained model continues, where a model can; None: from the pretrained model.
    trains
        If False, nothing is trained: the model of ``start`` is used as it is.
    selection
        Setting on whose training lesions the features were selected.
    repeated
        Whether its lesions are drawn several times.
    labelled
        If False, labels of ``train`` are not used: its lesions measure the means and deviations of their site alone.
    draws
        How many repeats there are; None: as many as there are halves.
    folds
        How many successive repeats test every lesion once, as cross-validation does; None: a repeat stands for itself.
    ratio
        Test over training lesions of a repeat, for the resampled t-test.
    drawn
        How its lesions are drawn in each repeat; None: splits are those of the lesion table or of the halves.
    """

    name: str
    title: str
    paper: str | None
    train: Members
    val: Members
    test: Members
    start: str | None
    trains: bool
    selection: str
    repeated: bool
    labelled: bool = True
    draws: int | None = None
    folds: int | None = None
    ratio: float = 1.0
    drawn: Drawing | None = None

    @property
    def shares_patients(self) -> bool:
        """Whether a patient may have lesions on both sides of a repeat, as ``drawn.by: lesion`` declares."""
        return self.drawn is not None and self.drawn.by == "lesion"

    @property
    def members(self) -> dict[str, Members]:
        """The lesions of each of :data:`radprompt.tables.cohort.ROLES`."""
        return {"train": self.train, "val": self.val, "test": self.test}

    @property
    def datasets(self) -> list[str]:
        """The data sets whose tables the setting needs, sorted."""
        return sorted({members.dataset for members in self.members.values()})

    @property
    def continues(self) -> str | None:
        """The setting whose model is trained further here; None where training restarts, or nothing is trained."""
        return self.start if self.trains else None

    def repeats(self, count: int) -> range:
        """Return the repeats of a model that runs on the first ``count``."""
        return range(min(count, self.draws or count) if self.repeated else 1)

    def selection_file(self, repeat: int | str) -> Path:
        """Return the record of the features that the setting uses in a repeat, or ``start``: in that setting."""
        return Path("models/selection") / self.name / f"{repeat}.json"

    def scaler_file(self, repeat: int | str) -> Path:
        """Return the record of the means and deviations behind the z-scores of a repeat, or of ``start``."""
        return Path("models/scaler") / self.name / f"{repeat}.json"

    def model_folder(self, repeat: int, seed: int) -> Path:
        """Return the folder of the language model of one repeat and seed."""
        return Path("models/language_model") / self.name / run_name(repeat, seed)


class Settings(Mapping[str, Setting]):
    """All settings by name, in the order of the file, and what the file says beside them.

    ``measured`` are the data sets whose lesions settings use, sorted; ``drawn`` are the settings that draw their
    lesions, ``shared`` the names of those that let a patient be on both sides; ``curve`` and ``drift`` are None where
    the file has none.
    """

    def __init__(self, content: _File) -> None:
        halved = set(content.halved)
        self._settings = {name: _setting(name, entry, halved) for name, entry in content.settings.items()}
        self.halved = content.halved
        self.explained = content.explained
        self.data_sets = content.data_sets
        self.measured = _used(content)
        self.curve = next(iter(content.curves.values()), None)
        self.drift = next(iter(content.drifts.values()), None)
        self.steps = content.steps
        self.drawn = [setting for setting in self._settings.values() if setting.drawn]
        self.shared = [setting.name for setting in self.drawn if setting.shares_patients]

    def __getitem__(self, name: str) -> Setting:
        """Return a setting; another name is an :class:`InputError` that lists the known ones."""
        if name not in self._settings:
            raise InputError(f"no setting is called {name!r}", fix=f"use one of: {', '.join(self._settings)}")
        return self._settings[name]

    def __contains__(self, name: object) -> bool:
        return name in self._settings

    def __iter__(self) -> Iterator[str]:
        return iter(self._settings)

    def __len__(self) -> int:
        return len(self._settings)

    def title(self, name: str) -> str:
        """Return a setting's name in words; one that is unknown keeps its own."""
        return self._settings[name].title if name in self._settings else name

    def data_set(self, name: str) -> str:
        """Return a data set's name in words; one that is unknown keeps its own."""
        return self.data_sets[name].title if name in self.data_sets else name

    def require_curve(self) -> Curve:
        """Return the curve; without one it is an :class:`InputError`."""
        if self.curve is None:
            raise InputError("no curve", where=FILE, fix="name its settings under curves")
        return self.curve

    @property
    def first(self) -> Setting:
        """The setting whose features and examples are shown."""
        return self[self.explained[0]]


def load_settings(path: str | Path = FILE) -> Settings:
    """Read and check ``settings.yaml``.

    Raises
    ------
    InputError
        The file is absent or broken; all faults are listed with their keys.
    """
    path = Path(path)
    try:
        content: Any = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        fix = "run in the repository, or bring the file back: git checkout settings.yaml"
        raise InputError("no such file", where=str(path), fix=fix) from None
    except YAMLError as error:
        raise InputError(f"not YAML: {' '.join(str(error).split())}", where=str(path), fix="correct it") from None
    return check_settings(content, where=str(path))


def check_settings(content: Any, *, where: str = FILE) -> Settings:
    """Turn the content of ``settings.yaml`` into :class:`Settings`; see :func:`load_settings` for the errors."""
    try:
        # As JSON, strict validation still takes mappings for dataclasses.
        checked: _File = TypeAdapter(_File).validate_json(json.dumps(content, default=str))
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, each['loc'])) or 'the file'}: {each['msg']}" for each in error.errors()]
        raise InputError("\n  ".join(faults), where=where, fix="correct these keys") from None
    faults = list(_faults(checked))
    if faults:
        raise InputError("\n  ".join(faults), where=where, fix="name settings and data sets that the file has")
    return Settings(checked)


def run_name(repeat: int, seed: int) -> str:
    """Return the name, in files, of the model that one repeat and one seed gave."""
    return f"repeat_{repeat}_seed_{seed}"


def _setting(name: str, entry: _Entry, halved: set[str]) -> Setting:
    train, val, test = (Members(*text.split("/")) for text in (entry.train, entry.val, entry.test))
    start = None if entry.start == PRETRAINED else entry.start
    repeated = entry.repeats is not None or any(members.dataset in halved for members in (train, val, test))
    ratio = entry.drawn.test / (1 - entry.drawn.test) if entry.drawn else entry.ratio
    title = f"{entry.title}, {SHARED}" if entry.drawn and entry.drawn.by == "lesion" else entry.title
    drawn = (repeated, entry.labelled, entry.repeats, entry.folds, ratio, entry.drawn)
    return Setting(name, title, entry.paper, train, val, test, start, entry.trains, entry.selection, *drawn)


def _used(content: _File) -> list[str]:
    """Return the data sets whose lesions settings use, sorted."""
    members = (text for entry in content.settings.values() for text in (entry.train, entry.val, entry.test))
    return sorted({text.split("/")[0] for text in members})


def _faults(content: _File) -> Iterator[str]:
    names = content.settings
    named = [(f"settings.{name}.selection", entry.selection) for name, entry in names.items()]
    named += [(f"settings.{name}.start", entry.start) for name, entry in names.items() if entry.start != PRETRAINED]
    named += [(f"explained[{place}]", name) for place, name in enumerate(content.explained)]
    for site, curve in content.curves.items():
        keys = ("start", "none", "continued", "restarted")
        named += [(f"curves.{site}.{key}", getattr(curve, key)) for key in keys]
    named += [(f"drifts.{site}.reference", pair.reference) for site, pair in content.drifts.items()]
    for place, step in enumerate(content.steps):
        named += [(f"steps[{place}].before", step.before.setting), (f"steps[{place}].after", step.after.setting)]
    yield from (f"{key} is {name!r}, not a setting" for key, name in named if name not in names)
    for site, curve in content.curves.items():
        start = names[curve.continued].start if curve.continued in names else curve.start
        if curve.start != start:
            yield f"curves.{site}.start is {curve.start!r}, but curves.{site}.continued starts from {start!r}"
    sets = [
        (f"settings.{name}.{role}", str(getattr(own, role)).split("/")[0])
        for name, own in names.items()
        for role in ("train", "val", "test")
    ]
    sets += [("halved", dataset) for dataset in content.halved]
    sets += [(f"drifts.{site}.other", pair.other) for site, pair in content.drifts.items()]
    yield from (
        f"{key} uses the data set {name!r}, not one of data_sets" for key, name in sets if name not in content.data_sets
    )
    if content.measured is not None and sorted(content.measured) != _used(content):
        yield f"measured is {content.measured}, but settings use {_used(content)}"
    if not content.explained:
        yield "explained names no setting"
    for name, entry in names.items():
        if not entry.trains and entry.start == PRETRAINED:
            yield f"settings.{name} trains nothing and starts from no setting: it has no model"
        before = names.get(entry.start)
        if before is not None and not entry.trains and (entry.train, entry.val) != (before.train, before.val):
            yield f"settings.{name} trains nothing: train and val are those of {entry.start}"
        if before is not None and before.start != PRETRAINED:
            yield f"settings.{name}.start is {entry.start!r}, which starts from a setting itself"
        if before is not None and any(text.split("/")[0] in content.halved for text in (before.train, before.val)):
            yield f"settings.{name}.start is {entry.start!r}, whose training lesions differ from half to half"
        if before is not None and before.drawn:
            yield f"settings.{name}.start is {entry.start!r}, whose training lesions differ from repeat to repeat"
        if entry.drawn:
            yield from _drawing_faults(name, entry, content.halved)
        own = names.get(entry.selection)
        if own is not None and own.selection != entry.selection:
            yield f"settings.{name}.selection is {entry.selection!r}, which selects no features itself"


def _drawing_faults(name: str, entry: _Entry, halved: list[str]) -> Iterator[str]:
    where = f"settings.{name}"
    datasets = {text.split("/")[0] for text in (entry.train, entry.val, entry.test)}
    if [text.split("/")[1] for text in (entry.train, entry.val, entry.test)] != ["train", "val", "test"]:
        yield f"{where}.drawn draws its own splits: write train, val and test of a data set, such as inbreast/val"
    if len(datasets) > 1 or datasets & set(halved):
        yield f"{where}.drawn draws from one data set that is not in halved, not from {', '.join(sorted(datasets))}"
    if entry.repeats is None:
        yield f"{where}.repeats is missing: how often its lesions are drawn"
    if entry.start != PRETRAINED or not entry.trains:
        yield f"{where}.drawn needs start: pretrained and trains: true"
    if entry.folds is not None or entry.ratio != 1.0:
        yield f"{where}.drawn goes with neither folds nor ratio: the ratio follows from drawn.test"
    if name in halved:
        yield f"{where} is also the name of a halved data set: give it another one"
