"""Carries out a recorded network with NumPy alone: no TensorFlow, no Keras.

At a width for laptops a step is some forty small operations, and a call of NumPy costs less than a
node of a graph; the large products go to the same kind of library (BLAS). Read next:
programs.py, lighter.py and loops.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from chatbot.config import BOS_ID
from chatbot.model.lighter import Lightened, lightened, with_columns
from chatbot.model.loops import with_lighter_loops
from chatbot.model.programs import Array, Program, Run, program

_ROWS, _LENGTH = 13, 3  # of the trial: no other axis is as long as its rows are many
_TRIED = np.full((_ROWS, _LENGTH), BOS_ID, np.int32)


class RecordedNetwork:
    """A network as functions over arrays; see `decoding.state.Network`.

    As in TensorFlow, infinity is a number in all of them.
    """

    @np.errstate(all="ignore")
    def __init__(
        self,
        recording: Mapping[str, Any],
        weights: Mapping[str, Array],
        shortlist: Array | None = None,
    ) -> None:
        """Takes what `record` returned, the weights by their names there, and the shortlist.

        Args:
            shortlist: ids of the L tokens that `step` can choose, sorted; None: all.
        """
        self._recording, self._weights, self.shortlist = recording, weights, shortlist
        self._encoder = self._view("encoder", _TRIED)
        step = program(recording["decoder_step"], weights)
        read = self._encoder(_TRIED)
        tried = [np.full(_ROWS, BOS_ID, np.int32), *read]
        lightened = _lightened(step, tried, shortlist)
        self._ahead, self._decoder_step = lightened.ahead.ready(), lightened.step.ready()
        self._constant = lightened.constant

    @cached_property
    def whole(self) -> RecordedNetwork:
        """The same network without a shortlist."""
        if self.shortlist is None:
            return self
        return RecordedNetwork(self._recording, self._weights)

    @cached_property
    def _training(self) -> Run:
        return self._view("training", _TRIED, _TRIED)

    def _view(self, name: str, *tried: Array) -> Run:
        whole = program(self._recording[name], self._weights)
        return with_lighter_loops(whole, whole.tried(*tried)).ready()

    @np.errstate(all="ignore")
    def encode(self, source_ids: Array) -> tuple[list[Array], list[Array]]:
        """source_ids (B,S) -> what steps look at, the mask (B,S) second; and the first state."""
        memory, mask, *state = self._encoder(source_ids)
        ahead = self._ahead(memory, mask, *(state[i] for i in self._constant))
        return [memory, mask, *ahead], state

    @np.errstate(all="ignore")
    def step(
        self, token_ids: Array, sources: Sequence[Array], state: Sequence[Array]
    ) -> tuple[Array, Array, list[Array]]:
        """token_ids (N,) -> logits (N,V) or (N,L), weights (N,S), new state."""
        logits, weights, *state = self._decoder_step(token_ids, *sources, *state)
        return logits, weights, state

    @np.errstate(all="ignore")
    def logits(self, source_ids: Array, decoder_input_ids: Array) -> Array:
        """(N,S), (N,T) -> (N,T,V)."""
        found: Array = self._training(source_ids, decoder_input_ids)[0]
        return found


def _lightened(step: Program, tried: Sequence[Array], shortlist: Array | None) -> Lightened:
    tokens = None
    if shortlist is not None:
        step = with_columns(step, step.shapes(*tried), shortlist)
        tokens = np.union1d(shortlist, [BOS_ID])
    return lightened(step, step.shapes(*tried), tokens)
