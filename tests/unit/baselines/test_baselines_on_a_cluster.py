"""Whoever computes them, the baselines' table has the same bytes."""

from pathlib import Path

from ruamel.yaml import YAML


def test_dask_ray_and_this_process_write_the_same_table(tables, run_stage, change_params) -> None:
    change_params(models=["logistic_regression", "random_forest", "mlp", "xgboost", "transtab"])
    written = {}
    for backend, workers in (("loky", 1), ("dask", 2), ("ray", 2)):
        content = YAML(typ="safe").load(Path("params.yaml"))
        content["compute"] = {"backend": backend, "workers": workers, "address": None}
        YAML().dump(content, Path("params.yaml"))
        run_stage("baselines", "inbreast_adapted")
        written[backend] = Path("data/predictions/inbreast_adapted/baselines.csv").read_bytes()
        Path("data/predictions/inbreast_adapted/baselines.csv").unlink()
    assert written["dask"] == written["loky"]
    assert written["ray"] == written["loky"]
    assert written["loky"].count(b"transtab") > 0
