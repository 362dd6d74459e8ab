"""The default network of this project in PyTorch, and one training step of it.

Layer by layer what `chatbot.model` builds from `ModelConfig()`: a table of embeddings for the
source and one for target and output, a bidirectional GRU encoder, the sum of its outputs as the
summary, a dense bridge, a GRU decoder, dot attention and a maxout readout that reads the summary
and the last token too; dropout, initial weights, loss and Adam are the same. It is written as one
would in PyTorch: padding is packed away, the decoder's steps are one call. Needs torch.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from chatbot.config import PAD_ID, ModelConfig, TrainingConfig
from chatbot.training.batches import Batch


class Way(NamedTuple):
    """How PyTorch computes."""

    bfloat16: bool  # by autocast
    compiled: bool  # by torch.compile

    @property
    def dtype(self) -> str:
        """The kind of number that matrix products are computed in."""
        return "bfloat16" if self.bfloat16 else "float32"


WAYS = {
    "PyTorch": Way(False, False),
    "PyTorch, bfloat16": Way(True, False),
    "PyTorch, compiled": Way(False, True),
    "PyTorch, bfloat16, compiled": Way(True, True),
}


class Encoder(nn.Module):
    """vectors (B,S,E), lengths (B,) -> outputs (B,S,2U), zero at padding."""

    def __init__(self, model: ModelConfig) -> None:
        super().__init__()
        self.gru = nn.GRU(
            model.embedding_units, model.encoder_units, batch_first=True, bidirectional=True
        )

    def forward(self, vectors: Any, lengths: Any) -> Any:
        """Reads each source up to its own end, in both directions."""
        packed = pack_padded_sequence(vectors, lengths, batch_first=True, enforce_sorted=False)
        outputs, _ = self.gru(packed)
        whole = vectors.shape[1]
        return pad_packed_sequence(outputs, batch_first=True, total_length=whole)[0]


class Seq2Seq(nn.Module):
    """source_ids (B,S), decoder_input_ids (B,T) -> logits (B,T,V), float32."""

    def __init__(self, model: ModelConfig, vocab_size: int) -> None:
        super().__init__()
        units = model.decoder_units
        self.source_embedding = nn.Embedding(vocab_size, model.embedding_units)
        self.embedding = nn.Embedding(vocab_size, model.embedding_units)
        self.encoder = Encoder(model)
        self.bridge = nn.Linear(model.memory_units, units)
        self.decoder = nn.GRU(model.embedding_units, units, batch_first=True)
        self.maxout = model.readout == "maxout"  # else tanh, without the last token
        read = 2 * model.memory_units + units + model.embedding_units * self.maxout
        self.readout = nn.Linear(read, model.embedding_units * (1 + self.maxout))
        self.output_bias = nn.Parameter(torch.zeros(vocab_size))
        self.dropout = nn.Dropout(model.dropout)
        self.scale = model.embedding_units**0.5
        self._begin(model.first_deviation)

    def _begin(self, source_deviation: float) -> None:
        """Sets the weights as Keras does: Glorot, orthogonal for the states, biases zero."""
        nn.init.normal_(self.source_embedding.weight, std=source_deviation / self.scale)
        nn.init.normal_(self.embedding.weight, std=1 / self.scale)
        for name, weight in self.named_parameters():
            if "weight_hh" in name:
                nn.init.orthogonal_(weight)
            elif "weight" in name and "embedding" not in name:
                nn.init.xavier_uniform_(weight)
            elif "bias" in name:
                nn.init.zeros_(weight)

    def forward(self, source_ids: Any, lengths: Any, decoder_input_ids: Any) -> Any:
        """Sees whole targets; `lengths` (B,) counts the real source tokens."""
        vectors = self.dropout(self.source_embedding(source_ids) * self.scale)
        memory = self.dropout(self.encoder(vectors, lengths))
        summary = memory.sum(dim=1) / lengths.unsqueeze(1) ** 0.5
        state = torch.tanh(self.bridge(summary))
        vectors = self.dropout(self.embedding(decoder_input_ids) * self.scale)
        said, _ = self.decoder(vectors, state.unsqueeze(0))
        said = self.dropout(said)
        found = attended(said, memory, source_ids != PAD_ID)
        whole = summary.unsqueeze(1).expand_as(found)
        features = self.features(found, whole, said, vectors)
        logits = functional.linear(self.dropout(features), self.embedding.weight)
        return logits.float() + self.output_bias

    def features(self, found: Any, whole: Any, said: Any, vectors: Any) -> Any:
        """What the output matrix is multiplied with."""
        if not self.maxout:
            return torch.tanh(self.readout(torch.cat([found, whole, said], dim=-1)))
        pairs = self.readout(torch.cat([found, whole, said, vectors], dim=-1))
        return pairs.unflatten(-1, (-1, 2)).amax(dim=-1)


def attended(queries: Any, memory: Any, mask: Any) -> Any:
    """Dot attention: queries (B,T,U), memory (B,S,U), mask (B,S) -> contexts (B,T,U)."""
    scores = queries @ memory.to(queries.dtype).transpose(1, 2)
    scores = scores.float().masked_fill(~mask.unsqueeze(1), -1e9)
    weights = functional.softmax(scores, dim=-1)
    return weights.to(memory.dtype) @ memory


class Learner:
    """A network with its optimizer: learns from a batch, scores batches."""

    def __init__(
        self, model: ModelConfig, vocab_size: int, settings: TrainingConfig, way: Way
    ) -> None:
        """Makes fresh weights from the training's seed."""
        torch.manual_seed(settings.seed)
        self.network = Seq2Seq(model, vocab_size)
        self._settings, self._way = settings, way
        self._forward = torch.compile(self.network, dynamic=True) if way.compiled else self.network
        self._optimizer = torch.optim.Adam(
            self.network.parameters(), lr=settings.learning_rate, eps=1e-7
        )  # Keras' epsilon

    @property
    def parameters(self) -> int:
        """The number of weights; the table of target and output counts once."""
        return sum(weight.numel() for weight in self.network.parameters())

    def learn(self, batch: Batch, rate: float | None = None) -> float:
        """Takes one step; returns its loss in nats per real target token, smoothing included."""
        self.network.train()
        for group in self._optimizer.param_groups:
            group["lr"] = rate or self._settings.learning_rate
        self._optimizer.zero_grad(set_to_none=True)
        loss = functional.cross_entropy(
            self._logits(batch).flatten(0, 1),
            _tensor(batch.target_ids).flatten(),
            ignore_index=PAD_ID,
            label_smoothing=self._settings.label_smoothing,
        )
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), self._settings.clip_norm)
        self._optimizer.step()
        return float(loss.detach())

    @torch.no_grad()
    def nats(self, batches: Iterable[Batch]) -> float:
        """Returns the negative log-likelihood of all real target tokens, summed."""
        self.network.eval()
        return sum(
            functional.cross_entropy(
                self._logits(batch).flatten(0, 1),
                _tensor(batch.target_ids).flatten(),
                ignore_index=PAD_ID,
                reduction="sum",
            ).item()
            for batch in batches
        )

    def _logits(self, batch: Batch) -> Any:
        lengths = torch.from_numpy((batch.source_ids != PAD_ID).sum(axis=1))
        source_ids, inputs = _tensor(batch.source_ids), _tensor(batch.decoder_input_ids)
        with torch.autocast("cpu", torch.bfloat16, enabled=self._way.bfloat16):
            return self._forward(source_ids, lengths, inputs)


def _tensor(ids: Any) -> Any:
    return torch.from_numpy(ids.astype(np.int64))
