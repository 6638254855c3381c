"""Make the report: one page with data, results, figures, limits, checklists and provenance, from artefacts alone.

Reads   params.yaml, settings.yaml, ablations.yaml and whatever the other stages left: data/{lesions,masks,features,
        halves,prompts,predictions}/, images of the example lesions, models/{scaler,selection}/<setting>/, the first
        run's classifier.json below models/language_model/, models/names/directions.json, metrics/, plots/;
        data/review/; docs/pipeline.svg; code/, whose digest names the code
Writes  reports/index.html, self-contained: it opens from disk and loads nothing
Takes   little more than the time to start; grows with settings and figures
Expect  the page says of each part that is not there yet that it is missing; nothing is computed anew
"""

from pathlib import Path

from radprompt.core.outputs import write_text
from radprompt.core.params import load_params
from radprompt.core.stage import run
from radprompt.pages.report.page import build

PAGE = Path("reports/index.html")


def main() -> None:
    """Write the page."""
    write_text(PAGE, build(".", load_params()))
    print(f"{PAGE}: {PAGE.stat().st_size / 1024:,.0f} KiB; open it in a browser")


if __name__ == "__main__":
    run(main)
