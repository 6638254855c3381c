"""States of names: which token and layer, what is loaded, the cache, and directions that a backbone asserts."""

import json

import numpy as np
import pytest
import torch
from simulated_tables import simulate
from transformers import AutoModel, AutoTokenizer

from radprompt import NamedClassifier
from radprompt.core.errors import InputError
from radprompt.llm import frozen
from radprompt.llm.frozen import load_frozen
from radprompt.named import direction
from radprompt.named import states as module
from radprompt.named.direction import elicit
from radprompt.named.states import read_states

INSTRUCTION = "Classify."
NAMES = ["Sphericity", "Mean", "Zone Entropy"]


def full_states(backbone, name):
    """Every layer's output at the last token, from the whole model."""
    place = json.loads((backbone / "source.json").read_text())["source"]
    tokens = AutoTokenizer.from_pretrained(place)(f"Classify. The '{name}' feature", return_tensors="pt")
    model = AutoModel.from_pretrained(place)
    with torch.inference_mode():
        return [layer[0, -1].numpy() for layer in model(**tokens, output_hidden_states=True).hidden_states]


@pytest.mark.parametrize(("layer", "loaded"), [(0, 1), (2, 3), (3, 4), (4, 4)])
def test_only_the_layers_up_to_the_one_read_are_loaded_and_change_nothing(backbone, layer, loaded, monkeypatch):
    depths = []

    def spying(folder, *, depth=None, causal=False):
        model, tokenizer = load_frozen(folder, depth=depth, causal=causal)
        depths.append(len(model.layers))
        return model, tokenizer

    monkeypatch.setattr(module, "load_frozen", spying)
    found = read_states(backbone, NAMES, layer=layer, instruction=INSTRUCTION)
    assert depths == [loaded]
    for row, name in zip(found, NAMES, strict=True):
        assert row == pytest.approx(full_states(backbone, name)[layer], abs=1e-5)


def test_the_middle_layer_is_read_unless_another_is_named(backbone):
    middle = read_states(backbone, NAMES, instruction=INSTRUCTION)
    assert middle.tolist() == read_states(backbone, NAMES, layer=2, instruction=INSTRUCTION).tolist()


def test_large_backbones_are_held_in_bfloat16(backbone, monkeypatch):
    exact = read_states(backbone, NAMES, instruction=INSTRUCTION)
    monkeypatch.setattr(frozen, "LARGE", 1000)
    model, _ = load_frozen(backbone, depth=2)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}
    rounded = read_states(backbone, NAMES, instruction=INSTRUCTION)
    assert rounded == pytest.approx(exact, abs=0.1 * np.abs(exact).max())
    assert (rounded != exact).any()


def test_a_name_has_the_same_state_in_any_company(backbone):
    alone = read_states(backbone, ["Mean"], instruction=INSTRUCTION)[0]
    assert alone.tolist() == read_states(backbone, NAMES[::-1], instruction=INSTRUCTION)[1].tolist()


def test_cached_states_are_read_once_and_by_source(backbone, tmp_path, monkeypatch):
    forward, seen = module._forward, []

    def counting(folder, names, *rest):
        seen.append(list(names))
        return forward(folder, names, *rest)

    monkeypatch.setattr(module, "_forward", counting)
    fresh = read_states(backbone, NAMES[:2], instruction=INSTRUCTION, cache=tmp_path)
    again = read_states(backbone, NAMES, instruction=INSTRUCTION, cache=tmp_path)
    read_states(backbone, NAMES[:1], instruction=INSTRUCTION, cache=tmp_path, layer=1)
    read_states(backbone, NAMES[:1], instruction="Other.", cache=tmp_path)
    assert seen == [NAMES[:2], NAMES[2:], NAMES[:1], NAMES[:1]]
    assert again[:2].tolist() == fresh.tolist()
    assert len(list(tmp_path.iterdir())) == 3
    for file in tmp_path.iterdir():
        file.write_bytes(b"\xff" * 20)
    with pytest.raises(InputError, match="cannot be read") as refused:
        read_states(backbone, NAMES, instruction=INSTRUCTION, cache=tmp_path)
    assert "delete the file" in refused.value.fix


def test_a_layer_that_is_not_there_and_a_folder_without_backbone(backbone, tmp_path):
    with pytest.raises(InputError, match="layer 5 asked for; the backbone has 4"):
        read_states(backbone, NAMES, layer=5, instruction=INSTRUCTION)
    with pytest.raises(InputError, match="no backbone here"):
        read_states(tmp_path, NAMES, instruction=INSTRUCTION)


def test_a_classifier_reads_only_names_that_are_new(backbone, monkeypatch, tmp_path):
    asked = []

    def reading(folder, names, **rest):
        asked.append(list(names))
        return read_states(folder, names, **rest)

    monkeypatch.setattr(module, "read_states", reading)
    site_a, site_b = simulate(50, 4, 0), simulate(50, 4, 1, first=2)
    model = NamedClassifier(backbone, instruction=INSTRUCTION, layer=1).fit(site_a.X, site_a.y)
    model.save(tmp_path / "model")
    model = NamedClassifier.load(tmp_path / "model").adapt(site_b.X, site_b.y)
    assert asked == [list(site_a.X), ["feature 0004", "feature 0005"]]
    expected = read_states(backbone, ["feature 0002"], layer=1, instruction=INSTRUCTION)
    assert model.model_.prior.states[2].tolist() == expected[0].tolist()


def test_directions_turn_with_the_outcomes_and_follow_token_probabilities(backbone):
    found = elicit(backbone, NAMES, ("benign", "malignant"))
    assert found == pytest.approx(-elicit(backbone, NAMES, ("malignant", "benign")), abs=1e-6)
    assert (np.abs(found) <= 1).all()
    assert len(set(found.tolist())) == len(NAMES)


def test_a_direction_is_the_same_in_any_company_and_none_between_equal_outcomes(backbone):
    many = elicit(backbone, [*NAMES, "A much longer name than the others"] * 12, ("benign", "malignant"))
    alone = [elicit(backbone, [name], ("benign", "malignant"))[0] for name in NAMES]
    assert many[:3] == pytest.approx(alone, abs=1e-5)
    assert many[4:7].tolist() == many[:3].tolist()  # asked once
    assert elicit(backbone, NAMES, ("mass", "mass")).tolist() == [0.0] * 3


def test_a_direction_is_the_probability_of_one_completion_over_its_opposite(backbone, monkeypatch):
    """One phrasing, its two next tokens, from a model of whole sequences."""
    phrasing = {"prompt": "{name} {second} {first} is", "up": "+", "down": "-"}
    monkeypatch.setattr(direction, "packaged_phrasings", lambda: [phrasing])
    (found,) = elicit(backbone, ["Mean"], ("a", "b"))
    model, tokenizer = load_frozen(backbone, causal=True)
    expected = 0.0
    for text, sign in (("Mean b a is", 1), ("Mean a b is", -1)):
        with torch.inference_mode():
            chances = model(**tokenizer(text, return_tensors="pt")).logits[0, -1].softmax(dim=-1)
        up, down = (chances[tokenizer(letter)["input_ids"][0]].item() for letter in "+-")
        expected += sign * (up - down) / (up + down) / 2
    assert found == pytest.approx(expected, abs=1e-5)


def test_an_elicited_direction_is_weighed_by_the_evidence(backbone):
    data = simulate(60, 4, 0)
    model = NamedClassifier(backbone, direction="elicited", outcomes=("benign", "malignant")).fit(data.X, data.y)
    expected = elicit(backbone, sorted(data.X), ("benign", "malignant"))
    assert model.model_.prior.directions.tolist() == expected.tolist()
    assert model.scales_.direction in (0.0, 0.05, 0.1, 0.2, 0.4)
    with pytest.raises(InputError, match="names is not the folder of a backbone"):
        NamedClassifier(data.vectors, direction="elicited").fit(data.X, data.y)
