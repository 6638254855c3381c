"""Every benchmark against the plain way, in the same run: prints a table, writes benchmarks/results.json.

    python benchmarks/bench.py [radiomics all 8 head inference tables startup growth ...] [--flash PYTHON]

--flash names the interpreter of another environment that has flash-radiomics, for one row of `radiomics`

Reads   params.yaml; models/backbone/, data/prompts/vindr.jsonl (`dvc repro prompts backbone` leaves them)
Writes  benchmarks/results.json: the last two whole runs, each with its machine; growth, which is asked for by name,
        apart. Parts that are named replace those of the last run
Takes   5 to 12 min on two cores that do nothing else; growth another 1
"""

import argparse
import json
import os
import time

from measuring import RESULTS, Row, machine

from radprompt.core.outputs import write_json


def _run(part: str, flash: str) -> list[Row]:
    if part in ("all", "8", "head"):
        from bench_language_model import training

        return training(part)
    if part == "inference":
        from bench_language_model import reading

        return reading()
    if part == "radiomics":
        from bench_radiomics import main as radiomics

        return radiomics(flash)
    if part == "tables":
        from bench_tables import main
    elif part == "startup":
        from bench_startup import main
    else:
        from growth import main
    return main()


WHOLE = ("radiomics", "head", "8", "all", "inference", "tables", "startup")
PARTS = (*WHOLE, "growth")


def main(parts: list[str], flash: str = "") -> None:
    """Run the parts and print all that the run knows."""
    os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "PYTHONWARNINGS": "ignore"}
    runs = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else []
    here = machine()
    known = runs[-1]["parts"] if runs and runs[-1]["machine"] == here else None
    if not parts or known is None:
        kept = {part: rows for part, rows in (known or {}).items() if part not in WHOLE}
        runs = [*runs, {"machine": here, "parts": kept}][-2:]
    run = runs[-1]
    began = time.perf_counter()
    for part in parts or WHOLE:
        start = time.perf_counter()
        rows = [row._asdict() | {"ratio": row.ratio} for row in _run(part, flash)]
        run["parts"][part] = {
            "took_s": round(time.perf_counter() - start),
            "rows": [{key: _short(value) for key, value in row.items()} for row in rows],
        }
    write_json(RESULTS, runs)  # a run that is broken off leaves those before it
    print(f"{here['processor']}, {here['cores']} cores, {here['memory_gb']} GB, {' '.join(here['extensions'])}\n")
    print(f"{'':52}{'plain':>10}{'ours':>10}  {'':10}{'ratio':>7}{'goal':>7}")
    for part in sorted(run["parts"], key=PARTS.index):
        for row in run["parts"][part]["rows"]:
            figures = "".join(f"{'' if row[key] is None else f'{row[key]:.4g}':>10}" for key in ("plain", "ours"))
            ratio = "" if row["ratio"] is None else f"{row['ratio']:.1f}x"
            goal = "" if row["goal"] is None else f"{row['goal']:g}x"
            print(f"{row['what']:52}{figures}  {row['unit']:10}{ratio:>7}{goal:>7}  {row['note']}")
    print(f"\nin {time.perf_counter() - began:.0f} s, written to {RESULTS}")


def _short(value: object) -> object:
    return float(f"{value:.4g}") if isinstance(value, float) else value


if __name__ == "__main__":
    reading = argparse.ArgumentParser()
    reading.add_argument("parts", nargs="*", metavar="PART", help=f"any of {', '.join(PARTS)}; without, all but growth")
    reading.add_argument("--flash", default="", metavar="PYTHON", help="interpreter that has flash-radiomics")
    asked = reading.parse_args()
    if unknown := [part for part in asked.parts if part not in PARTS]:
        raise SystemExit(f"no benchmark {unknown[0]!r}; there are {', '.join(PARTS)}")
    main(asked.parts, asked.flash)
