"""What a setting's prompts must be."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from radprompt.core.errors import InputError
from radprompt.core.params import Prompt
from radprompt.gates.expectations import (
    RUN_AGAIN,
    Suite,
    empty,
    equal,
    filled,
    none_for_missing,
    of_schema,
    one_of,
    rows_are,
    some_rows,
    within,
)
from radprompt.selection.record import Selection
from radprompt.tables.prompts import COLUMNS, SCHEMA

_SENTENCE = re.compile(r"The '(?P<name>[^']*)' feature is measured at (?P<value>\S+) \.")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_CENSORED = re.compile(r"Feature [A-Z]+")


def read_lines(path: str | Path) -> pd.DataFrame:
    """Read a prompt file whatever its lines hold: ``row``, the keys that some line has, and no check of values.

    Raises
    ------
    InputError
        The file is absent, or a line is no JSON object.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise InputError("no such prompt file", where=str(path), fix="run `dvc repro`, or `dvc pull`") from None
    rows = []
    for number, line in enumerate(lines, start=1):
        try:
            content = json.loads(line)
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise InputError("not a JSON object", where=f"{path}, line {number}", fix=RUN_AGAIN)
        rows.append({"row": number} | content)
    return pd.DataFrame(rows, columns=None if rows else ["row", *COLUMNS])


def prompt_suite(
    setting: str,
    table: pd.DataFrame,
    expected: pd.DataFrame,
    selections: Mapping[int, Selection],
    count_tokens: Callable[[Sequence[str]], list[int]],
    limit: int,
    settings: Prompt,
) -> Suite:
    """Return the suite of one setting's prompts.

    Parameters
    ----------
    setting
        Its name.
    table
        From :func:`read_lines`.
    expected
        From :func:`radprompt.gates.expected.expected_rows`.
    selections
        The selected features, by repeat.
    count_tokens
        The backbone's count for each text.
    limit
        Tokens that the backbone reads.
    settings
        How prompts are written.
    """
    read = table
    if "prompt" in table:
        known = {name for selection in selections.values() for name in selection.names}
        read = read.join(_read_sentences(table["prompt"], settings, known), how="left")
        texts = table["prompt"].astype(str)
        each = list(dict.fromkeys(texts))
        read = read.assign(tokens=texts.map(dict(zip(each, count_tokens(each), strict=True))).astype(float))
    if {"repeat", "lesion_id"} <= set(read):
        read = read.merge(expected, on=["repeat", "lesion_id"], how="left", validate="many_to_one")
        counts = {repeat: len(selection.features) for repeat, selection in selections.items()}
        read = read.assign(selected=read["repeat"].map(counts).astype(float))
    prompt_says = "the prompt begins with the instruction"
    return Suite(
        f"prompts_{setting}",
        f"data/prompts/{setting}.jsonl",
        none_for_missing(read),
        ("row", "repeat", "lesion_id"),
        [
            some_rows(),
            *of_schema(SCHEMA),
            rows_are(len(expected), f"there is a prompt for each of {len(expected)} lesions and repeats"),
            filled("true_split", "the setting uses the lesion in this repeat"),
            equal("split", "true_split", "split is that of lesion table or half"),
            equal("label", "true_label", "label is that of the lesion table"),
            one_of("instructed", (True,), prompt_says),
            empty("unknown_names", "every name is a feature's"),
            empty("unreadable_values", "every value is a number"),
            equal("named", "selected", "the prompt names as many features as are selected"),
            within("tokens", 1, limit, f"the backbone reads the prompt whole, {limit} tokens", "lower features.count"),
        ],
    )


def token_counter(folder: Path) -> tuple[Callable[[Sequence[str]], list[int]], int]:
    """Return the backbone's way to count tokens and how many it reads.

    Parameters
    ----------
    folder
        ``models/backbone``. Without a ``tokenizer.json`` there or in the folder that its ``source.json`` names,
        transformers looks for the tokenizer.
    """
    try:
        record = json.loads((folder / "source.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("no backbone here", where=str(folder), fix="run `dvc repro backbone`, or `dvc pull`") from None
    places = [place for place in (folder, Path(record["source"])) if (place / "tokenizer.json").is_file()]
    if places:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(places[0] / "tokenizer.json"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        limit = json.loads((places[0] / "config.json").read_text(encoding="utf-8")).get("max_position_embeddings")
        return lambda texts: [len(each.ids) for each in tokenizer.encode_batch(list(texts))], int(limit or 10**9)
    from transformers import AutoConfig, AutoTokenizer

    slow = AutoTokenizer.from_pretrained(record["source"], revision=record["revision"])
    config = AutoConfig.from_pretrained(record["source"], revision=record["revision"])
    limit = getattr(config, "max_position_embeddings", None)
    return lambda texts: [len(ids) for ids in slow(list(texts))["input_ids"]], int(limit or 10**9)


def _read_sentences(prompts: "pd.Series[str]", settings: Prompt, known: set[str]) -> pd.DataFrame:
    rows = []
    for prompt in prompts.astype(str):
        found = [match.groupdict() for match in _SENTENCE.finditer(prompt)]
        strange = [each["name"] for each in found if not _is_known(each["name"], settings, known)]
        unreadable = [each["value"] for each in found if not _NUMBER.fullmatch(each["value"])]
        rows.append(
            {
                "named": len(found),
                "instructed": prompt.startswith(settings.instruction),
                "unknown_names": ", ".join(strange) or None,
                "unreadable_values": ", ".join(unreadable) or None,
            }
        )
    return pd.DataFrame(rows, index=prompts.index)


def _is_known(name: str, settings: Prompt, known: set[str]) -> bool:
    return bool(_CENSORED.fullmatch(name)) if settings.names == "censored" else name in known
