"""Make the report from artefacts alone: one page of results, and one of what an auditor asks for.

Reads   params.yaml, settings.yaml, ablations.yaml and whatever the other stages left: data/{lesions,masks,features,
        halves,prompts,predictions}/, images of the example lesions, models/{scaler,selection}/<setting>/, the first
        run's classifier.json below models/language_model/, models/names/directions.json, metrics/, plots/;
        data/review/; docs/pipeline.svg; code/, whose digest names the code
Writes  reports/index.html (verdict, cohort, results) and reports/audit.html (limits, data flow, checks, checklists,
        provenance, parameters), each self-contained: it opens from disk, loads nothing and links to no other file
Takes   little more than the time to start; grows with settings and figures
Expect  the pages say of each part that is not there yet that it is missing; nothing is computed again
"""

from pathlib import Path

from radprompt.core.outputs import atomic_group
from radprompt.core.params import load_params
from radprompt.core.stage import run
from radprompt.pages.report.page import build

PLACES = Path("reports/index.html"), Path("reports/audit.html")


def main() -> None:
    """Write both pages."""
    pages = build(".", load_params())
    with atomic_group(*PLACES) as parts:
        for part, page in zip(parts, pages, strict=True):
            part.write_text(page, encoding="utf-8", newline="\n")
    for place in PLACES:
        print(f"{place}: {place.stat().st_size / 1024:,.0f} KiB; open it in a browser")


if __name__ == "__main__":
    run(main)
