import json
import runpy
import shutil
from pathlib import Path

import pandas as pd
import pytest

from radprompt.core.errors import InputError
from radprompt.tables.lesions import read_lesions

ROOT = Path(__file__).parents[3]
TRIANGLE = [(10, 8), (30, 8), (10, 38)]


@pytest.fixture
def main(tmp_path, monkeypatch):
    """The stage, in an empty repository whose data lie in ``raw``."""
    params = (ROOT / "params.yaml").read_text(encoding="utf-8")
    workplace = tmp_path / "repository"
    workplace.mkdir()
    (workplace / "params.yaml").write_text(
        params.replace("root: data/phantom/raw", f"root: {tmp_path}").replace("workers: 2", "workers: 1"),
        encoding="utf-8",
    )
    shutil.copy(ROOT / "settings.yaml", workplace)
    monkeypatch.chdir(workplace)
    return runpy.run_path(str(ROOT / "stages" / "lesions.py"))["main"]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_outputs_are_complete_repeatable_and_survive_a_failure(main, inbreast):
    for number in range(8):
        inbreast.add(str(number), f"patient{number}", "3" if number % 2 else "5", [("Mass", TRIANGLE)])
    inbreast.add("8", "patient8", "1", None)
    root = inbreast.write()
    main("inbreast")
    folder = Path("data/lesions")
    table = read_lesions(folder / "inbreast.csv")
    assert table["split"].value_counts().to_dict() == {"adapt": 4, "test": 4}
    assert all(Path(path).is_file() for path in table["mask_path"])
    assert len(pd.read_csv(folder / "inbreast_exclusions.csv")) == 1
    flow = json.loads((folder / "inbreast_flow.json").read_text(encoding="utf-8"))
    assert (flow["rows"], flow["lesions"]) == (9, 8)
    assert flow["splits"]["adapt"] == {"patients": 4, "benign": 2, "malignant": 2}
    written = contents(folder)
    assert sum(name.endswith(".png") for name in written) == 8
    main("inbreast")
    assert contents(folder) == written
    (root / "INbreast.csv").unlink()
    with pytest.raises(InputError, match=r"INbreast\.csv"):
        main("inbreast")
    assert contents(folder) == written


def test_a_data_set_without_contours_has_an_empty_folder_of_masks(main, vindr):
    for number in range(10):
        vindr.add(f"{number:032x}", f"{number:032x}", finding_birads=f"BI-RADS {3 + number % 2}")
    vindr.write()
    main("vindr_mammo")
    table = read_lesions("data/lesions/vindr_mammo.csv")
    assert table["split"].value_counts().to_dict() == {"train": 8, "val": 2}
    assert list(Path("data/lesions/vindr_mammo_masks").iterdir()) == []


def test_a_data_set_without_a_usable_lesion_stops_with_the_counts(main, cbis):
    cbis.add("P_00001", image=False)
    cbis.write()
    with pytest.raises(InputError, match=r"no lesion can be used\n +1  rows\n(.|\n)* 1  excluded: image missing"):
        main("cbis_ddsm")
    assert not list(Path("data/lesions").iterdir())


def test_an_unknown_data_set_names_the_known(main):
    with pytest.raises(InputError, match="one of cbis_ddsm, inbreast, vindr_mammo"):
        main("ddsm")
