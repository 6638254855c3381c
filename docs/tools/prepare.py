"""Lay the pages of the site out in .radprompt/docs, where the generator reads them.

    python docs/tools/prepare.py

Pages are those of docs/, which read as well on GitHub. Three things are done to them here:

- Links that leave docs/ lead to the page that the site has of the file (:data:`PAGES`), or become its name.
- ``<!-- table: name -->`` is followed by that table of :data:`TABLES`, made from metrics/.
- CONTRIBUTING.md and the parameter files become pages.

A link or table that is not there stops with file and line.
"""

import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath

sys.path.insert(0, str(Path(__file__).parent))
import metric_tables
from trials import trials

ROOT = Path(__file__).parents[2]
TARGET = ROOT / ".radprompt" / "docs"
TABLES = metric_tables.TABLES | {"trials": trials}
PAGES = {
    "CONTRIBUTING.md": "contributing.md",
    "README.md": "index.md",
    "params.yaml": "parameters.md",
    **{f"profiles/{name}.yaml": "parameters.md" for name in ("clinical", "laptop", "open")},
}
"""Pages, by name below docs/, that show a file from outside it."""

_FENCE = re.compile(r"^\s*(```|~~~)")
_LINK = re.compile(r"(`+[^`]*`+(?!\]))|(!?)\[((?:[^\[\]`]|`[^`]*`)*)\]\(([^()\s]+)\)")
_TABLE = re.compile(r"^<!-- table: (\S+) -->$")


def outside_code(text: str, change: Callable[[str, int], str]) -> str:
    """Return a page with each line that is no fenced code changed; ``change`` gets the line and its number."""
    lines, fenced = [], False
    for number, line in enumerate(text.splitlines(), start=1):
        fence = bool(_FENCE.match(line))
        lines.append(line if fenced or fence else change(line, number))
        fenced ^= fence
    return "\n".join(lines) + "\n"


def links(text: str) -> list[tuple[int, str]]:
    """Return line and target of every link and image of a page, code apart."""
    found: list[tuple[int, str]] = []

    def note(line: str, number: int) -> str:
        found.extend((number, match[4]) for match in _LINK.finditer(line) if match[4])
        return line

    outside_code(text, note)
    return found


def rewritten(text: str, source: str, page: str, root: Path = ROOT) -> str:
    """Return a page whose links fit the site.

    Parameters
    ----------
    text
        Markdown.
    source
        The file that it comes from, relative to the repository.
    page
        Its page, relative to docs/.
    root
        The repository.

    Raises
    ------
    ValueError
        For a link to a file that is not there.
    """

    def link(match: re.Match[str], number: int) -> str:
        code, image, label, target = match.groups()
        if code or re.match(r"[a-z]+:|#", target):
            return match[0]
        path, mark, anchor = target.partition("#")
        place = normpath(str(PurePosixPath(source).parent / path))
        if place.startswith("../") or not (root / place).exists():
            raise ValueError(f"{source}, line {number}: link to {target}, which is not there")
        inside = PAGES.get(place, place.removeprefix("docs/") if place.startswith("docs/") else None)
        if inside is None:
            name = f"`{place}`"
            return name if label.strip("`") == place else f"{label} ({name})"
        return f"{image}[{label}]({relpath(inside, str(PurePosixPath(page).parent))}{mark}{anchor})"

    # The generator knows no escape for the sign, which GitHub does.
    return outside_code(
        text, lambda line, number: _LINK.sub(lambda match: link(match, number), line.replace(r"\<", "&lt;"))
    )


def filled(text: str, source: str) -> str:
    """Return a page with its tables; a name that ``metric_tables`` does not know is a ValueError."""

    def fill(line: str, number: int) -> str:
        match = _TABLE.match(line)
        if not match:
            return line
        if match[1] not in TABLES:
            raise ValueError(f"{source}, line {number}: no table {match[1]!r}, only {', '.join(TABLES)}")
        return "\n" + TABLES[match[1]](ROOT / "metrics") + "\n"

    return outside_code(text, fill)


def parameters() -> str:
    """Return the page of params.yaml and the profiles for real data."""
    parts = [
        "# Parameters",
        "Every knob of the pipeline, with unit and meaning; an unknown key or wrong type is an error that names it. "
        "Another value for one run: `dvc exp run -S llm.lora.rank=4`.",
        "## `params.yaml`: the demo",
        f"```yaml\n{(ROOT / 'params.yaml').read_text(encoding='utf-8')}```",
        "## `profiles/clinical.yaml`: the real data sets",
        "`radprompt profile clinical` merges it into `params.yaml`.",
        f"```yaml\n{(ROOT / 'profiles/clinical.yaml').read_text(encoding='utf-8')}```",
        "## `profiles/laptop.yaml`: the real data sets without LoRA",
        f"```yaml\n{(ROOT / 'profiles/laptop.yaml').read_text(encoding='utf-8')}```",
        "## `profiles/open.yaml`: CBIS-DDSM alone",
        "Its part `settings` takes the place of those keys in `settings.yaml`.",
        f"```yaml\n{(ROOT / 'profiles/open.yaml').read_text(encoding='utf-8')}```",
    ]
    return "\n\n".join(parts) + "\n"


def prepare(target: Path = TARGET) -> int:
    """Write all pages and return how many there are."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(ROOT / "docs", target, ignore=shutil.ignore_patterns("tools", "*.md"))
    sources = {path.relative_to(ROOT / "docs").as_posix(): path for path in sorted((ROOT / "docs").rglob("*.md"))}
    sources["contributing.md"] = ROOT / "CONTRIBUTING.md"
    for page, path in sources.items():
        source = path.relative_to(ROOT).as_posix()
        text = rewritten(path.read_text(encoding="utf-8"), source, page)
        (target / page).parent.mkdir(parents=True, exist_ok=True)
        (target / page).write_text(filled(text, source), encoding="utf-8")
    (target / "parameters.md").write_text(parameters(), encoding="utf-8")
    return len(sources) + 1


if __name__ == "__main__":
    try:
        print(f"docs: {prepare()} pages in {TARGET.relative_to(ROOT)}")  # noqa: T201
    except (ValueError, FileNotFoundError) as error:
        sys.exit(f"docs: {error}")
