"""What ``dvc plots`` draws follows settings.yaml: no file names a setting."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from dvc.repo import Repo
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[3]
POINTS = {
    "roc": "fpr,tpr,model\n0.0,0.5,named model\n1.0,1.0,named model\n",
    "calibration": "predicted,observed,lesions,model\n0.2,0.1,5,named model\n",
    "decision": "threshold,net_benefit,model\n0.1,0.2,named model\n",
    "confusion": "actual,model,called\nbenign,named model,malignant\n",
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with this one's plots and two settings of other names, drawn."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    for name in (".dvc/plots", "plots/dvc.yaml"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        (tmp_path / name).parent.mkdir(exist_ok=True)
        copy(ROOT / name, tmp_path / name)
    (tmp_path / ".dvc/config").write_text("[core]\n    analytics = false\n")
    (tmp_path / "settings.yaml").write_text("explained: [north]\nsettings: {north: {}, south: {}}\n")
    for setting in ("north", "south"):
        for kind, text in POINTS.items():
            file = tmp_path / "plots/evaluation/points" / kind / f"{setting}.csv"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    curves = tmp_path / "plots/training/north/plots/metrics"
    curves.mkdir(parents=True)
    (curves / "val_auc.tsv").write_text("step\tval_auc\n1\t0.7\n2\t0.8\n")
    (tmp_path / "plots/segmenter_training.csv").write_text("epoch,train_loss,val_loss\n1,0.5,0.6\n")
    return tmp_path


def test_every_setting_is_drawn_and_nothing_fails_to_load(repository: Path) -> None:
    from dvc.render.match import match_defs_renderers

    shown = Repo(str(repository)).plots.show()["workspace"]
    sources = shown["sources"]["data"]
    assert {Path(name).as_posix() for name in sources} == {
        *(f"plots/evaluation/points/{kind}/{setting}.csv" for kind in POINTS for setting in ("north", "south")),
        "plots/training/north/plots/metrics/val_auc.tsv",
        "plots/segmenter_training.csv",
    }
    assert all("error" not in source for source in sources.values())
    rendered = match_defs_renderers({"workspace": shown}, templates_dir=str(repository / ".dvc/plots"))
    assert len(rendered) == len(sources)
    for own in rendered:
        assert not own.source_errors
        filled = json.dumps(own.renderer.get_filled_template())
        assert not re.search("DVC_METRIC_(X|Y|TITLE)", filled), own.renderer.name


def test_plots_are_files_that_stages_write() -> None:
    repo = Repo(ROOT)
    outs = {Path(out.fs_path).relative_to(ROOT).as_posix() for out in repo.index.outs}
    settings = YAML(typ="safe").load(ROOT / "settings.yaml")
    definitions = YAML(typ="safe").load(ROOT / "plots/dvc.yaml")["plots"]
    for name in (next(iter(plot)) for plot in definitions):
        path = Path("plots", name.replace("${explained[0]}", settings["explained"][0]))
        assert {str(path), *map(str, path.parents)} & outs, name
    text = (ROOT / "plots/dvc.yaml").read_text(encoding="utf-8")
    assert not [name for name in settings["settings"] if re.search(rf"\b{name}\b", text)]
