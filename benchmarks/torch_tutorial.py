"""The greedy decoder of PyTorch's chatbot tutorial, on a network of given shapes.

https://pytorch.org/tutorials/beginner/chatbot_tutorial.html (`EncoderRNN`, `LuongAttnDecoderRNN`
with dot attention, `GreedySearchDecoder`). Its layers are made those of this project's network: the
directions are joined and not summed, source and target have an embedding each, the target's is the
output matrix too, the summary is the sum of the encoder's outputs, the decoder begins with a layer
over it, and the layer before the output matrix reads it too and is as wide as an embedding. The
weights are random: they do not change how long a token takes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import nn

from chatbot.config import BOS_ID


class Shapes(NamedTuple):
    """The sizes of a network: V, E, and U of each direction; the decoder has 2U."""

    vocab_size: int
    embedding: int
    units: int


class Encoder(nn.Module):
    """A bidirectional GRU over one source: ids (S,1) -> outputs (S,1,2U), their summary (1,2U)."""

    def __init__(self, shapes: Shapes) -> None:
        super().__init__()
        self.embedding = nn.Embedding(shapes.vocab_size, shapes.embedding)
        self.gru = nn.GRU(shapes.embedding, shapes.units, bidirectional=True)

    def forward(self, source_ids: Any, lengths: Any) -> tuple[Any, Any]:
        """Packs the source as the tutorial does."""
        embedded = self.embedding(source_ids)
        packed = nn.utils.rnn.pack_padded_sequence(embedded, lengths)
        outputs, _ = self.gru(packed)
        outputs, _ = nn.utils.rnn.pad_packed_sequence(outputs)
        return outputs, outputs.sum(dim=0) / len(outputs) ** 0.5


class Decoder(nn.Module):
    """One step with dot attention: id (1,1), state (1,1,U) -> probabilities (1,V), state."""

    def __init__(self, shapes: Shapes) -> None:
        super().__init__()
        units = 2 * shapes.units
        self.embedding = nn.Embedding(shapes.vocab_size, shapes.embedding)
        self.bridge = nn.Linear(units, units)
        self.gru = nn.GRU(shapes.embedding, units)
        self.concat = nn.Linear(3 * units, shapes.embedding)
        self.out = nn.Linear(shapes.embedding, shapes.vocab_size)
        self.out.weight = self.embedding.weight

    def start(self, summary: Any) -> Any:
        """summary (1,U) -> the state before the first step."""
        return torch.tanh(self.bridge(summary)).unsqueeze(0)

    def forward(
        self, last_id: Any, hidden: Any, encoder_outputs: Any, summary: Any
    ) -> tuple[Any, Any]:
        """Follows the tutorial's `forward` line by line, the summary joined; dropout is off."""
        rnn_output, hidden = self.gru(self.embedding(last_id), hidden)
        energies = torch.sum(rnn_output * encoder_outputs, dim=2).t()
        weights = nn.functional.softmax(energies, dim=1).unsqueeze(1)
        context = weights.bmm(encoder_outputs.transpose(0, 1))
        concat_input = torch.cat((rnn_output.squeeze(0), context.squeeze(1), summary), 1)
        concat_output = torch.tanh(self.concat(concat_input))
        return nn.functional.softmax(self.out(concat_output), dim=1), hidden


class GreedySearchDecoder(nn.Module):
    """Feeds the likeliest token back, a fixed number of times."""

    def __init__(self, shapes: Shapes) -> None:
        """Makes a network of random weights, ready to answer."""
        super().__init__()
        self.encoder, self.decoder = Encoder(shapes), Decoder(shapes)
        self.eval()

    @torch.no_grad()
    def forward(self, source_ids: Any, tokens: int) -> Any:
        """source_ids (S,1) -> the ids of the reply (tokens,)."""
        encoder_outputs, summary = self.encoder(source_ids, torch.tensor([len(source_ids)]))
        hidden = self.decoder.start(summary)
        last_id = torch.full((1, 1), BOS_ID, dtype=torch.long)
        all_tokens, all_scores = torch.zeros([0], dtype=torch.long), torch.zeros([0])
        for _ in range(tokens):
            probabilities, hidden = self.decoder(last_id, hidden, encoder_outputs, summary)
            scores, last_id = torch.max(probabilities, dim=1)
            all_tokens = torch.cat((all_tokens, last_id), dim=0)
            all_scores = torch.cat((all_scores, scores), dim=0)
            last_id = last_id.unsqueeze(0)
        return all_tokens
