"""An exported model works in a new environment that has the wheel and no repository."""

import json
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.slow


def _run(*command: str | Path, cwd: Path) -> str:
    """Run with nothing of this process's environment: no PYTHONPATH, no folder but ``cwd``."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(cwd), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A new environment's ``bin``: radprompt from its wheel, installed without a network.

    Only the pinned packages are borrowed from the environment of the tests, since they take 2 GB: a .pth file puts
    their folder on the path, and .pth files in there, such as the one of the editable install, are not read.
    """
    uv, source, built, venv = Path(sys.executable).parent / "uv", *(tmp_path / name for name in ("src", "dist", "venv"))
    shutil.copytree(ROOT / "src", source / "src", ignore=shutil.ignore_patterns("*.egg-info", "__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    here = ("--offline", "--no-build-isolation", "--python")
    _run(uv, "build", "--wheel", *here, sys.executable, "--out-dir", built, source, cwd=tmp_path)
    shutil.rmtree(source)
    _run(sys.executable, "-m", "venv", "--without-pip", venv, cwd=tmp_path)
    python = venv / "bin" / "python"
    (wheel,) = built.glob("*.whl")
    _run(uv, "pip", "install", "--no-deps", *here, python, wheel, cwd=tmp_path)
    own = Path(_run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip())
    borrowed = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    (own / "borrowed.pth").write_text("".join(f"{folder}\n" for folder in borrowed))
    return venv / "bin"


def test_a_new_environment_predicts_what_the_pipeline_did(installed, exported, repository, tmp_path):
    lesions = pd.read_csv(repository / "data/lesions/vindr_mammo.csv").set_index("lesion_id")
    expected = pd.read_csv(repository / "data/predictions/vindr/llm.csv").set_index("lesion_id")["probability"]
    lesion = lesions.index[lesions["split"] == "test"][0]
    home = tmp_path / "ward"
    shutil.copytree(exported, home / "model")
    shutil.copy(repository / lesions.loc[lesion, "image_path"], home / "breast.dcm")
    box = ",".join(str(lesions.loc[lesion, name]) for name in ("xmin", "ymin", "xmax", "ymax"))

    found = _run(installed / "python", "-c", "import radprompt, sys; print(radprompt.__file__, *sys.path)", cwd=home)
    assert found.startswith(str(installed.parent))
    assert str(ROOT / "src") not in found
    said = _run(installed / "radprompt", "predict", "--model", "model", "breast.dcm", "--box", box, cwd=home)

    content = json.loads((home / "predictions/breast.json").read_text())
    assert content["probability"] == pytest.approx(expected[lesion], abs=1e-6)
    assert f"probability of malignancy {expected[lesion]:.3f}" in said
    assert said.rstrip().endswith("Not for clinical use")
    page = (home / "predictions/breast.html").read_text()
    loaded = re.findall(r"(?:src|href)\s*=\s*[\"']?([^\"'\s>]+)", page)
    assert len(loaded) == 2
    assert all(address.startswith("data:image/png;base64,") for address in loaded)
    assert "not for clinical use" in page.lower()
    assert f"{expected[lesion]:.3f}" in page
    assert sorted(path.name for path in (home / "predictions").iterdir()) == ["breast.html", "breast.json"]
