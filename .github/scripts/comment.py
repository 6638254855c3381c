"""Post a report on a pull request: the comment that is there is updated, not joined by another.

    python .github/scripts/comment.py comment.md

Without the right to comment, as on a pull request from a fork, whose token may only read, the report goes into the
summary of the workflow's run. The environment is that of a workflow's step, with GITHUB_TOKEN and PULL_REQUEST (its
number) set. Standard library only: it must run where the project could not be installed.
"""

import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

REFUSED = (401, 403, 404)
"""What GitHub answers to a token that may not write: it hides what it does not show."""


def call(method: str, path: str, content: dict[str, Any] | None = None) -> Any:
    """Ask GitHub's API and return its answer."""
    address = os.environ.get("GITHUB_API_URL", "https://api.github.com")
    request = urllib.request.Request(  # noqa: S310
        f"{address}/repos/{os.environ['GITHUB_REPOSITORY']}/{path}",
        method=method,
        data=None if content is None else json.dumps(content).encode(),
        headers={
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}",
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        return json.load(answer)


def earlier(number: str, marker: str) -> int | None:
    """Return the id of the comment that starts with the marker, or None."""
    page = 1
    while comments := call("GET", f"issues/{number}/comments?per_page=100&page={page}"):
        for comment in comments:
            # Only a bot's: what a person quotes is theirs.
            if comment["body"].startswith(marker) and comment["user"]["type"] == "Bot":
                return int(comment["id"])
        page += 1
    return None


def post(text: str) -> str:
    """Post or update the comment and say what was done."""
    number = os.environ["PULL_REQUEST"]
    known = earlier(number, text.splitlines()[0])
    if known is None:
        call("POST", f"issues/{number}/comments", {"body": text})
        return "comment posted"
    call("PATCH", f"issues/comments/{known}", {"body": text})
    return "comment updated"


def main() -> int:
    """Post the file named on the command line."""
    text = Path(sys.argv[1]).read_text(encoding="utf-8")
    try:
        print(post(text))
    except urllib.error.HTTPError as error:
        if error.code not in REFUSED:
            raise
        summary = os.environ.get("GITHUB_STEP_SUMMARY")
        if summary:
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(text)
        print(f"the token may not comment ({error.code}): the report is in the run's summary")
    return 0


if __name__ == "__main__":
    sys.exit(main())
