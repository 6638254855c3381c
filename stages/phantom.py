"""Draw one synthetic data set in its real layout.

Reads    params.yaml (seed, phantom, compute)
Writes   data/phantom/raw/<dataset>/
Call     python stages/phantom.py cbis_ddsm | vindr_mammo | inbreast
Takes    time that grows with the megapixels drawn, spread over compute.workers
Expect   as many masses as phantom.masses says plus a handful of records that are broken on purpose, images without a
         mass, and every trap of the real files; the same seed writes the same bytes
"""

from pathlib import Path

from radprompt.core.errors import InputError
from radprompt.core.outputs import atomic_folder
from radprompt.core.params import load_params
from radprompt.core.stage import run
from radprompt.mammograms.phantom import cbis_ddsm, inbreast, vindr_mammo

RAW = Path("data/phantom/raw")
WRITERS = {"cbis_ddsm": cbis_ddsm.write, "vindr_mammo": vindr_mammo.write, "inbreast": inbreast.write}


def main(dataset: str) -> None:
    """Write ``data/phantom/raw/<dataset>``."""
    if dataset not in WRITERS:
        raise InputError(
            f"no data set called {dataset!r}", where="arguments", fix=f"choose one of {', '.join(WRITERS)}"
        )
    params = load_params()
    with atomic_folder(RAW / dataset) as folder:
        WRITERS[dataset](folder, params.seed, params.phantom, params.compute)
        sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    print(f"{dataset}: {len(sizes)} files, {sum(sizes) / 1e6:.0f} MB in {RAW / dataset}")


if __name__ == "__main__":
    run(main, "dataset")
