"""The split model is the whole model: same logits, same gradients, same training."""

from pathlib import Path

import pytest
import torch

from radprompt.core.errors import InputError
from radprompt.llm.backbone import load_backbone
from radprompt.llm.inference import TrunkCache, encode, predict_logits
from radprompt.llm.lora import add_adapters, trainable
from radprompt.llm.split import SplitModel

LAYERS = 4
PROMPTS = ["The 'Mean' is 1.", "The 'Sphericity' feature is measured at -0.25 .", "x", "Zone Entropy 3"]


def _split(backbone: Path, cut: int):
    torch.manual_seed(3)
    model, tokenizer = load_backbone(backbone, bf16=False)
    adapters = add_adapters(model, cut, rank=4, alpha=8, dropout=0.0)
    for name, parameter in adapters.named_parameters():
        if "lora_B" in name:  # zero at first: an adapter that does nothing would hide a wrong cut
            torch.nn.init.normal_(parameter, std=0.1)
    return SplitModel(adapters.get_base_model(), cut), tokenizer


@pytest.mark.parametrize("cut", range(LAYERS + 1))
def test_split_model_equals_the_whole_model(any_backbone, cut):
    split, tokenizer = _split(any_backbone, cut)
    rows = encode(split, tokenizer, PROMPTS, bf16=False, batch_size=4)
    with torch.no_grad():
        whole = split.model(input_ids=rows.input_ids, attention_mask=rows.attention_mask).logits[:, 0]
    torch.testing.assert_close(predict_logits(split, rows, 4), whole, rtol=1e-5, atol=1e-6)
    assert whole.std() > 1e-3  # the prompts are told apart at all


@pytest.mark.parametrize("cut", [0, 2, LAYERS])
def test_gradients_of_the_tail_equal_those_of_the_whole_model(backbone, cut):
    split, tokenizer = _split(backbone, cut)
    rows = encode(split, tokenizer, PROMPTS, bf16=False, batch_size=4)
    gradients = []
    for hidden in (rows.hidden, None):
        split.model.zero_grad()
        split.logits(rows.input_ids, rows.attention_mask, hidden=hidden).square().sum().backward()
        gradients.append({name: p.grad.clone() for name, p in trainable(split.model).items()})
    assert gradients[0].keys() == gradients[1].keys()
    for name, expected in gradients[1].items():
        torch.testing.assert_close(gradients[0][name], expected, rtol=1e-4, atol=1e-6, msg=name)


def test_only_the_layers_after_the_cut_and_the_head_learn(backbone):
    split, _ = _split(backbone, 3)
    learning = set(trainable(split.model))
    assert {int(n.split("layers.")[1].split(".")[0]) for n in learning if "layers." in n} == {3}
    assert any(n.startswith("score") for n in learning)
    linear = {n.split(".lora_")[0].rsplit(".", 1)[1] for n in learning if "lora_" in n}
    assert linear == {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}


def test_padding_does_not_change_a_logit(backbone):
    split, tokenizer = _split(backbone, 2)
    together = predict_logits(split, encode(split, tokenizer, PROMPTS, bf16=False, batch_size=4), 4)
    alone = [predict_logits(split, encode(split, tokenizer, [p], bf16=False, batch_size=1), 1) for p in PROMPTS]
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-5, atol=1e-6)


SHARED = [f"The 'Sphericity' feature is measured at {value} ." for value in ("-0.25", "1", "0.125 and more")]


def test_what_prompts_begin_with_is_read_once_and_changes_no_state(any_backbone):
    split, tokenizer = _split(any_backbone, 3)
    read = []
    split.layers[0].register_forward_hook(lambda _layer, inputs, _output: read.append(inputs[0].shape[:2]))
    rows = encode(split, tokenizer, SHARED, bf16=False, batch_size=2)
    shared = read[0][1]
    assert shared > 5
    assert read == [(1, shared), (2, rows[:2].input_ids.shape[1] - shared), (1, rows.input_ids.shape[1] - shared)]
    apart = torch.cat([encode(split, tokenizer, [p], bf16=False, batch_size=1).hidden[0] for p in SHARED])
    torch.testing.assert_close(rows.hidden[rows.attention_mask.bool()], apart, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("cut", [0, 2, LAYERS])
@pytest.mark.parametrize("readout", ["last", "features"])
def test_what_a_batch_begins_with_runs_once_with_the_same_logits_states_and_gradients(any_backbone, cut, readout):
    split, tokenizer = _split(any_backbone, cut)
    rows = encode(split, tokenizer, SHARED, readout=readout, bf16=False, batch_size=3)
    given = (rows.input_ids, rows.attention_mask, rows.weights, rows.hidden)
    read, found = [], []
    for layer in split.layers[cut:]:
        layer.register_forward_hook(lambda _layer, inputs, _output: read.append(tuple(inputs[0].shape[:2])))
    for shares in (True, False):
        split._shares = shares
        split.model.zero_grad()
        logits = split.logits(*given)
        logits.square().sum().backward()
        gradients = [p.grad.clone() for p in trainable(split.model).values()]
        found.append([logits.detach(), split.states(*given).detach(), *gradients])
    tokens, passes = rows.input_ids.shape[1], LAYERS - cut
    shared = len("The 'Sphericity' feature is measured at ")
    parts = [(1, shared)] * passes + [(3, tokens - shared)] * passes
    assert read == parts * 2 + [(3, tokens)] * passes * 2
    for shared_once, plain in zip(*found, strict=True):
        torch.testing.assert_close(shared_once, plain, rtol=0, atol=1e-5 * float(plain.abs().max()))


def test_nothing_is_shared_where_each_prompt_draws_its_dropout_or_the_head_reads_the_beginning(backbone):
    split, tokenizer = _split(backbone, 2)
    rows = encode(split, tokenizer, SHARED, bf16=False, batch_size=3)
    ids, mask = rows.input_ids, rows.attention_mask
    assert split._shared(ids, mask, None) > 5
    assert split._shared(ids, mask, mask / mask.sum(dim=1, keepdim=True)) == 0
    assert split._shared(ids[:1], mask[:1], None) == 0
    dropping = add_adapters(load_backbone(backbone, bf16=False)[0], 2, rank=4, alpha=8, dropout=0.5)
    split = SplitModel(dropping.get_base_model(), 2)
    split.model.train()
    assert split._shared(ids, mask, None) == 0
    split.model.eval()
    assert split._shared(ids, mask, None) > 5


@pytest.mark.parametrize("cut", [0, 2])
def test_check_keeps_any_architecture_the_whole_model(gpt_neox, cut):
    split, tokenizer = _split(gpt_neox, cut)
    split.check(1e-4)
    rows = encode(split, tokenizer, SHARED, bf16=False, batch_size=3)
    with torch.no_grad():
        whole = split.model(input_ids=rows.input_ids, attention_mask=rows.attention_mask).logits[:, 0]
    torch.testing.assert_close(predict_logits(split, rows, 3), whole, rtol=1e-4, atol=1e-5)


def test_check_shares_no_beginning_where_that_changes_the_logits(backbone):
    split, _ = _split(backbone, 0)
    split.check(1e-4)
    assert split._shares
    # Positions counted anew in each pass, as some architectures do.
    split.model.model.rotary_emb.register_forward_pre_hook(
        lambda _module, inputs, more: (
            inputs,
            more | {"position_ids": more["position_ids"] - more["position_ids"][0, 0]},
        ),
        with_kwargs=True,
    )
    split.check(1e-4)
    assert not split._shares
    assert split.begin(torch.ones(1, 4, dtype=torch.long)) is None


def test_prompts_that_begin_alike_may_end_there_and_equal_ones_are_read_once(backbone):
    split, tokenizer = _split(backbone, 2)
    prompts = ["The 'Mean' is", "The 'Mean' is 1.", "The 'Mean' is 1.", "The 'Mean' is"]
    rows = encode(split, tokenizer, prompts, bf16=False, batch_size=4)
    alone = torch.cat([encode(split, tokenizer, [p], bf16=False, batch_size=1).hidden[0] for p in prompts])
    torch.testing.assert_close(rows.hidden[rows.attention_mask.bool()], alone, rtol=1e-4, atol=1e-5)


def test_a_model_whose_tokens_see_later_ones_has_no_beginning(backbone):
    split, _ = _split(backbone, 2)
    assert split.begin(torch.ones(1, 4, dtype=torch.long)) is not None
    for layer in split.layers:
        layer.self_attn.is_causal = False
    assert SplitModel(split.model, 2).begin(torch.ones(1, 4, dtype=torch.long)) is None


def test_model_is_whole_again_after_a_failure_in_the_tail(backbone):
    split, tokenizer = _split(backbone, 2)
    rows = encode(split, tokenizer, PROMPTS, bf16=False, batch_size=4)
    with pytest.raises(RuntimeError):
        split.logits(rows.input_ids, rows.attention_mask, hidden=rows.hidden[..., :5])
    assert len(split.model.model.layers) == LAYERS
    assert split.model.model.layers is split.layers


def test_more_layers_than_the_model_has_is_refused(backbone):
    model, _ = load_backbone(backbone, bf16=False)
    with pytest.raises(InputError, match=r"train 5 layers of a model that has 4"):
        SplitModel(model, -1)


def test_check_refuses_an_architecture_whose_cut_changes_the_logits(backbone):
    split, _ = _split(backbone, 2)
    split.check(1e-4)
    whole = split.trunk
    split.trunk = lambda *given: whole(*given) + 1  # a trunk that lies
    with pytest.raises(InputError, match="layers: all"):
        split.check(1e-4)


def test_prompt_longer_than_the_context_is_refused(backbone):
    split, tokenizer = _split(backbone, 2)
    with pytest.raises(InputError, match="600 tokens; this backbone reads 512"):
        encode(split, tokenizer, ["short", "x" * 600], bf16=False, batch_size=2)


NAMED = [
    "Classify. The 'Mean' feature is measured at 1 . The 'Zone Entropy' feature is measured at -0.25 .",
    "Classify. The 'Sphericity' feature is measured at 0.5 .",
]


@pytest.mark.parametrize("cut", [0, 2, LAYERS])
def test_readout_of_features_is_the_mean_over_the_tokens_that_close_their_sentences(any_backbone, cut):
    split, tokenizer = _split(any_backbone, cut)
    rows = encode(split, tokenizer, NAMED, readout="features", bf16=False, batch_size=2)
    seen = []
    handle = split.model.score.register_forward_hook(lambda _module, _inputs, output: seen.append(output[..., 0]))
    with torch.no_grad():
        split.model(input_ids=rows.input_ids, attention_mask=rows.attention_mask)
    handle.remove()
    # The tests' tokenizer has a token a character: the full stops are where the text has them.
    first, second = NAMED[0].index("1 .") + 2, len(NAMED[0]) - 1
    expected = torch.stack([seen[0][0, [first, second]].mean(), seen[0][1, len(NAMED[1]) - 1]])
    torch.testing.assert_close(predict_logits(split, rows, 2), expected, rtol=1e-5, atol=1e-6)
    assert not split.model.score._forward_pre_hooks


def test_readout_of_features_needs_a_feature_to_read(backbone):
    split, tokenizer = _split(backbone, 2)
    with pytest.raises(InputError, match="no feature's sentence"):
        encode(split, tokenizer, [NAMED[0], "x"], readout="features", bf16=False, batch_size=2)


def test_the_trunk_reads_a_prompt_once_and_forgets_the_oldest_beyond_its_limit(backbone, monkeypatch):
    split, tokenizer = _split(backbone, 2)
    whole, read = split.trunk, []
    monkeypatch.setattr(split, "trunk", lambda ids, *more: read.append(len(ids)) or whole(ids, *more))
    fresh = encode(split, tokenizer, PROMPTS, bf16=False, batch_size=4).hidden
    cache = TrunkCache("", max_bytes=1)
    for prompts in ([PROMPTS[0], PROMPTS[2], PROMPTS[0]], PROMPTS):
        kept = encode(split, tokenizer, prompts, bf16=False, batch_size=4, cache=cache)
    assert read == [4, 2, 4]  # alone; the two distinct ones; all again, since one byte holds none of them
    assert cache.missing(PROMPTS) == [0, 1, 2, 3]
    mask = kept.attention_mask.bool()
    torch.testing.assert_close(kept.hidden[mask], fresh[mask])
    roomy = TrunkCache("")
    for prompts in (PROMPTS[:2], PROMPTS):
        encode(split, tokenizer, prompts, bf16=False, batch_size=4, cache=roomy)
    assert read[3:] == [2, 2]
