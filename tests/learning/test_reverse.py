"""Each family learns to say a line backwards, and looks at what it says: the map is anti-diagonal.

Which cell, kernel or head it takes is read off the attention: at step t of n the weight lies on
source position n - 1 - t, and where two source words change places, so does what is looked at.
"""

import keras
import numpy as np
import pytest

from chatbot.config import BOS_ID, EOS_ID, ModelConfig
from chatbot.model.losses import TokenCrossEntropy
from chatbot.model.network import build_seq2seq

VOCAB, FIRST = 16, 4  # symbols 4 to 15
SMALL = {"embedding_units": 32, "encoder_units": 32, "decoder_units": 32, "dropout": 0.0}
FAMILIES = {
    "recurrent": {"encoder_units": 16},  # the default: cells in both directions, dot attention
    "convolutional": {"encoder": "convolutional", "encoder_layers": 2, "attention": "general",
                      "positions": "learned", "cell": "lstm",
                      "context": "initial_state,every_step,output"},
    "transformer": {"encoder": "transformer", "decoder": "transformer", "readout": "none",
                    "attention": "multi_head", "heads": 2, "encoder_layers": 1,
                    "decoder_layers": 1, "positions": "learned"},
}  # fmt: skip
STEPS = {"recurrent": 700, "convolutional": 700, "transformer": 1200}


def lines(random, count, longest=6):
    """Rows of different symbols, right-padded: source, what the decoder reads, what it says."""
    lengths = random.integers(2, longest + 1, count)
    source = np.zeros((count, longest), "int32")
    read, said = np.zeros((2, count, longest + 1), "int32")
    for row, n in enumerate(lengths):
        words = random.choice(np.arange(FIRST, VOCAB), n, replace=False)
        source[row, :n] = words
        said[row, : n + 1] = [*words[::-1], EOS_ID]
        read[row, : n + 1] = [BOS_ID, *words[::-1]]
    return source, read.astype("int32"), said.astype("int32"), lengths


def learned(family):
    keras.utils.set_random_seed(1)
    seq2seq = build_seq2seq(ModelConfig(**{**SMALL, **FAMILIES[family]}), VOCAB)
    model = seq2seq.training
    model.compile(keras.optimizers.Adam(0.005, global_clipnorm=1.0), TokenCrossEntropy())
    random = np.random.default_rng(1)
    for step in range(STEPS[family]):
        model.optimizer.learning_rate = 0.005 * min(1, step / 100) * (1 - step / STEPS[family])
        source, read, said, _ = lines(random, 64)
        model.train_on_batch([source, read], said, (said > 0).astype("float32"))
    return seq2seq


def spoken(seq2seq, source, steps):
    """What greedy search says (N,T), and its attention (N,T,S)."""
    memory, mask, *state = map(np.array, seq2seq.encoder(source))
    last, words, weights = np.full(len(source), BOS_ID, "int32"), [], []
    for _ in range(steps):
        step = seq2seq.decoder_step([last, memory, mask, *state])
        logits, weight, *state = map(np.array, step)
        last = logits.argmax(-1).astype("int32")
        words.append(last)
        weights.append(weight)
    return np.stack(words, 1), np.stack(weights, 1)


@pytest.mark.learning
@pytest.mark.parametrize("family", FAMILIES)
def test_it_learns_to_reverse_and_its_attention_runs_backwards(family):
    seq2seq = learned(family)
    source, _, said, lengths = lines(np.random.default_rng(2), 200)
    words, weights = spoken(seq2seq, source, said.shape[1])
    rows = [words[row, : n + 1].tolist() == said[row, : n + 1].tolist()
            for row, n in enumerate(lengths)]  # fmt: skip
    assert np.mean(rows) > 0.9
    looked = weights.argmax(-1)
    right = [looked[row, :n] == np.arange(n)[::-1] for row, n in enumerate(lengths)]
    assert np.mean(np.concatenate(right)) > 0.9

    swapped = source[lengths == 6][:20].copy()
    before, maps = spoken(seq2seq, swapped, 6)
    swapped[:, [1, 4]] = swapped[:, [4, 1]]
    after, moved = spoken(seq2seq, swapped, 6)
    assert np.mean(after[:, [1, 4]] == before[:, [4, 1]]) > 0.9
    word = before[:, 1]  # stood at position 4, now at 1: it is said at step 4, looking at 1
    for row, said_word in enumerate(word):
        if said_word in after[row]:
            step = after[row].tolist().index(said_word)
            assert moved[row, step].argmax() == 5 - step != maps[row, 1].argmax()
