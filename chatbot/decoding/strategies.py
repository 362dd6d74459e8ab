"""How the next tokens are chosen: greedy, sampling and beam search, each a small frozen class.

A strategy is a pure function over tensors and knows no model, no text and no loop. The numbers
that a user turns travel beside it as `Knobs`. Read next: drivers.py, which runs it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import tensorflow as tf

from chatbot.config import BOS_ID, EOS_ID, PAD_ID, DecodingConfig
from chatbot.decoding import constraints, filters
from chatbot.decoding.state import SearchState, Tensor

_EMPTY = float("-inf")  # the score of a place in a beam that holds no hypothesis
_LACKING = 1e4  # nats: below all that a hypothesis without a required run can score
_FIRST = float("inf")  # the rank of a hypothesis that keeps its place in any case


class Knobs(NamedTuple):
    """The numeric settings of `DecodingConfig` as scalar tensors: changing one never retraces."""

    temperature: Tensor  # float32
    top_k: Tensor  # int32, 0 is off
    top_p: Tensor  # float32, 1 is off
    repetition_penalty: Tensor  # float32, 1 is off
    length_penalty: Tensor  # float32, 0 is off
    length_bonus: Tensor  # float32, nats
    min_length: Tensor  # int32, tokens
    max_length: Tensor  # int32, tokens, <EOS> counted
    coverage_penalty: Tensor  # float32, 0 is off


def knobs_of(config: DecodingConfig) -> Knobs:
    """Returns the numeric settings of a configuration, ready for a compiled graph."""
    return Knobs(
        temperature=tf.constant(config.temperature, tf.float32),
        top_k=tf.constant(config.top_k, tf.int32),
        top_p=tf.constant(config.top_p, tf.float32),
        repetition_penalty=tf.constant(config.repetition_penalty, tf.float32),
        length_penalty=tf.constant(config.length_penalty, tf.float32),
        length_bonus=tf.constant(config.length_bonus, tf.float32),
        min_length=tf.constant(config.min_length, tf.int32),
        max_length=tf.constant(config.max_length, tf.int32),
        coverage_penalty=tf.constant(config.coverage_penalty, tf.float32),
    )


class Choice(NamedTuple):
    """What each row becomes in one step."""

    parents: Tensor  # (N,) int32: the row that it continues
    token_ids: Tensor  # (N,) int32: the token that it adds; ignored where the parent is finished
    scores: Tensor  # (N,) float32: nats, summed from the start


@dataclass(frozen=True)
class Strategy(ABC):
    """The static part of a search; equal strategies share one compiled graph.

    Args:
        rows_per_source: K, sequences searched for each source.
        no_repeat_ngram_size: no run of so many tokens comes twice in a row; 0 is off.
        forbidden_ids: token ids that never come.
    """

    name: ClassVar[str]
    reorders: ClassVar[bool] = False  # rows may continue rows other than themselves

    rows_per_source: int = 1
    no_repeat_ngram_size: int = 0
    forbidden_ids: tuple[int, ...] = (PAD_ID, BOS_ID)

    def start(self, seeds: Tensor, source_length: Tensor, knobs: Knobs) -> SearchState:
        """Returns the search before its first step, for B sources.

        Args:
            seeds: shape (B,), int32; only sampling looks at them.
            source_length: S, the width of the attention weights, int32.
            knobs: of which `max_length` is the T of every buffer.
        """
        rows = tf.size(seeds) * self.rows_per_source
        width = knobs.max_length
        return SearchState(
            position=tf.constant(0),
            last_ids=tf.fill([rows], BOS_ID),
            token_ids=tf.fill([rows, width], PAD_ID),
            token_log_probs=tf.zeros([rows, width]),
            lengths=tf.zeros([rows], tf.int32),
            scores=self._first_scores(rows),
            finished=tf.zeros([rows], tf.bool),
            parents=tf.range(rows),
            attention=tf.zeros([rows, width, source_length]),
            draws=self._first_draws(seeds, rows, width),
        )

    def advance(
        self, search_state: SearchState, log_probs: Tensor, attention: Tensor, knobs: Knobs
    ) -> SearchState:
        """Returns the search one token later.

        Args:
            search_state: of N rows.
            log_probs: what the model thinks comes next in each row, nats, shape (N, V).
            attention: its weights over the source, shape (N, S).
            knobs: the numeric settings.
        """
        allowed = self.allowed(search_state, log_probs, knobs)
        choice = self._choose(search_state, allowed, knobs)
        if self.reorders:
            search_state = _rows_of(search_state, choice.parents)
            attention = tf.gather(attention, choice.parents)
        return _extended(search_state, choice, _own(log_probs, choice), attention)

    def allowed(self, search_state: SearchState, log_probs: Tensor, knobs: Knobs) -> Tensor:
        """Returns the log-probabilities (N, V) that scores are made of, under every constraint."""
        position, token_ids = search_state.position, search_state.token_ids
        kept = filters.repetition_penalty(log_probs, token_ids, knobs.repetition_penalty)
        kept = filters.block_repeated_ngrams(kept, token_ids, position, self.no_repeat_ngram_size)
        kept = filters.forbid(kept, self.forbidden_ids)
        kept = filters.weigh_end(kept, position, knobs.min_length, knobs.length_bonus)
        return filters.leave_a_way_out(kept, log_probs)

    def rank(self, search_state: SearchState, knobs: Knobs) -> Tensor:
        """Returns the score (N,) that orders the hypotheses at the end: `ranking`."""
        return ranking(search_state, knobs)

    @abstractmethod
    def _choose(self, search_state: SearchState, allowed: Tensor, knobs: Knobs) -> Choice:
        """Picks what each row becomes, from log-probabilities (N, V)."""

    def _first_scores(self, rows: Tensor) -> Tensor:
        return tf.zeros([rows])

    def _first_draws(self, seeds: Tensor, rows: Tensor, width: Tensor) -> Tensor:
        return tf.zeros([rows, 0])


@dataclass(frozen=True)
class Greedy(Strategy):
    """Takes the likeliest token at each step, the lower id where two tie."""

    name = "greedy"

    def _choose(self, search_state: SearchState, allowed: Tensor, knobs: Knobs) -> Choice:
        return _own_row(search_state, tf.argmax(allowed, 1, tf.int32), allowed)


@dataclass(frozen=True)
class Sampling(Strategy):
    """Draws each token from the model's distribution after temperature, top-k and top-p.

    The uniform numbers of a row follow from the seed of its source and its place among that
    source's samples alone, so that a reply is the same alone and in a batch.
    """

    name = "sampling"

    def _choose(self, search_state: SearchState, allowed: Tensor, knobs: Knobs) -> Choice:
        shaped = filters.apply_temperature(allowed, knobs.temperature)
        shaped = filters.keep_top_k(shaped, knobs.top_k)
        shaped = filters.keep_top_p(shaped, knobs.top_p)
        draws = tf.gather(search_state.draws, search_state.position, axis=1)
        return _own_row(search_state, pick(shaped, draws), allowed)

    def _first_draws(self, seeds: Tensor, rows: Tensor, width: Tensor) -> Tensor:
        sample = tf.range(rows) % self.rows_per_source
        row_seeds = tf.stack([tf.repeat(seeds, self.rows_per_source), sample], axis=1)  # (N,2)
        return tf.map_fn(
            lambda seed: tf.random.stateless_uniform([width], seed),
            row_seeds,
            fn_output_signature=tf.TensorSpec((None,), tf.float32),
        )


@dataclass(frozen=True)
class Beam(Strategy):
    """Keeps the K likeliest hypotheses of each source (Sutskever et al. 2014, section 3.2).

    A hypothesis that ends keeps its place and the beam goes on with the places left, so none that
    the length penalty may favour in the end is pushed out by one that is likelier so far. Hence K
    hypotheses come back, a beam of 1 is greedy search, and a beam as wide as the number of all
    sequences is exact. The search ends when every hypothesis has ended.
    """

    name = "beam"
    reorders = True

    def _choose(self, search_state: SearchState, allowed: Tensor, knobs: Knobs) -> Choice:
        vocab_size, beam_size = tf.shape(allowed)[1], self.rows_per_source
        ranks = tf.where(
            search_state.finished[:, tf.newaxis],
            tf.where(tf.range(vocab_size) == PAD_ID, _FIRST, _EMPTY)[tf.newaxis],
            search_state.scores[:, tf.newaxis] + allowed,
        )
        places, values = self._best(search_state, ranks)  # (B,K)
        first_rows = beam_size * tf.range(tf.shape(places)[0])[:, tf.newaxis]  # (B,1)
        parents = tf.reshape(first_rows + places // vocab_size, [-1])
        scores = tf.reshape(values, [-1])
        return Choice(
            parents=parents,
            token_ids=tf.reshape(places % vocab_size, [-1]),
            scores=tf.where(scores == _FIRST, tf.gather(search_state.scores, parents), scores),
        )

    def _best(self, search_state: SearchState, ranks: Tensor) -> tuple[Tensor, Tensor]:
        """Returns which K of the K*V candidates of each source go on (B,K), and their ranks."""
        best = tf.math.top_k(self._by_source(ranks), self.rows_per_source)
        return best.indices, best.values

    def _by_source(self, ranks: Tensor) -> Tensor:
        return tf.reshape(ranks, [-1, self.rows_per_source * tf.shape(ranks)[1]])  # (N,V)->(B,K*V)

    def _first_scores(self, rows: Tensor) -> Tensor:
        """Starts with one hypothesis; K equal ones would stay K copies of the greedy reply."""
        return tf.where(tf.range(rows) % self.rows_per_source == 0, 0.0, _EMPTY)


@dataclass(frozen=True)
class ConstrainedBeam(Beam):
    """A beam whose hypotheses hold given runs of tokens (Hokamp and Liu 2017, arXiv:1704.07138).

    Hypotheses are compared with those that hold as many of the required tokens as they do, in
    banks, and the K places go round the banks: the best of each, the fullest bank first, then the
    second of each (Post and Vilar 2018, arXiv:1804.06609, divide the places likewise). None ends
    before it holds every run; where the length does not suffice, what holds them comes first.

    Args:
        required: the runs.
    """

    name = "constrained beam"

    required: tuple[tuple[int, ...], ...] = ()

    def allowed(self, search_state: SearchState, log_probs: Tensor, knobs: Knobs) -> Tensor:
        """Lets no row end before it holds every run, unless nothing else is possible."""
        kept = super().allowed(search_state, log_probs, knobs)
        is_end = tf.range(tf.shape(kept)[1]) == EOS_ID
        kept = tf.where(self._lacks(search_state)[:, tf.newaxis] & is_end, _EMPTY, kept)
        return filters.leave_a_way_out(kept, log_probs)

    def rank(self, search_state: SearchState, knobs: Knobs) -> Tensor:
        """Puts what holds every run first."""
        lacks = tf.cast(self._lacks(search_state), tf.float32)
        return super().rank(search_state, knobs) - _LACKING * lacks

    def _lacks(self, search_state: SearchState) -> Tensor:
        now = constraints.held(search_state.token_ids, search_state.position, self.required)
        return now < constraints.size(self.required)

    def _best(self, search_state: SearchState, ranks: Tensor) -> tuple[Tensor, Tensor]:
        banks = constraints.held_with_next(
            search_state.token_ids, search_state.position, self.required, tf.shape(ranks)[1]
        )
        ranks, banks = self._by_source(ranks), self._by_source(banks)
        found = [
            tf.math.top_k(tf.where(banks == bank, ranks, _EMPTY), self.rows_per_source)
            for bank in reversed(range(constraints.size(self.required) + 1))
        ]
        in_turn = [-1, len(found) * self.rows_per_source]  # (B,K,banks) -> (B,K*banks)
        values = tf.reshape(tf.stack([best.values for best in found], 2), in_turn)
        places = tf.reshape(tf.stack([best.indices for best in found], 2), in_turn)
        turns = tf.where(values == _EMPTY, tf.int32.max, tf.range(in_turn[1]))
        turns = tf.where(values == _FIRST, -1, turns)  # what has ended keeps its place
        chosen = tf.argsort(turns, axis=1, stable=True)[:, : self.rows_per_source]
        return tf.gather(places, chosen, batch_dims=1), tf.gather(values, chosen, batch_dims=1)


def strategy_for(
    config: DecodingConfig,
    *,
    forbidden_ids: Sequence[int],
    required: Sequence[Sequence[int]] = (),
) -> Strategy:
    """Returns the strategy that a configuration names.

    Args:
        config: of which only what shapes the graph is used; `knobs_of` carries the rest.
        forbidden_ids: token ids that never come; `<PAD>` and `<BOS>` never do, `<EOS>` always may.
        required: runs of tokens that a beam's hypotheses hold, `config.must_contain` as tokens.
    """
    static = (
        config.no_repeat_ngram_size,
        tuple(sorted({PAD_ID, BOS_ID, *forbidden_ids} - {EOS_ID})),
    )
    if config.strategy == "beam" and required:
        return ConstrainedBeam(config.beam_size, *static, tuple(map(tuple, required)))
    if config.strategy == "beam":
        return Beam(config.beam_size, *static)
    if config.strategy == "sampling":
        return Sampling(config.n_best, *static)
    return Greedy(1, *static)


def pick(log_probs: Tensor, draws: Tensor) -> Tensor:
    """Returns the token ids (N,) at which the cumulative distribution passes `draws` (N,).

    >>> pick(tf.math.log([[0.5, 0.0, 0.5], [0.5, 0.0, 0.5]]), tf.constant([0.4, 0.6])).numpy()
    array([0, 2], dtype=int32)
    """
    cumulative = tf.cumsum(tf.exp(log_probs), axis=1)
    passed = cumulative <= draws[:, tf.newaxis] * cumulative[:, -1:]
    return tf.reduce_sum(tf.cast(passed, tf.int32), 1)


def length_penalty(lengths: Tensor, alpha: Tensor) -> Tensor:
    """((5 + length) / 6) ** alpha (Wu et al. 2016, arXiv:1609.08144, equation 14); 0 is off.

    >>> float(length_penalty(7, 1.0))
    2.0
    """
    return tf.pow((5.0 + tf.cast(lengths, tf.float32)) / 6.0, alpha)


def coverage_penalty(attention: Tensor, beta: Tensor) -> Tensor:
    """beta * sum_s ln min(sum_t a_ts, 1) (Wu et al. 2016, arXiv:1609.08144, equations 14 and 15).

    Positions that get no weight at all are padding and count nothing; without attention all are.

    Args:
        attention: shape (N,T,S).
        beta: 0 is off.
    Returns:
        Nats, at most 0, shape (N,).

    >>> weights = [[[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]]]
    >>> round(float(coverage_penalty(tf.constant(weights), 1.0)[0]), 4)  # ln 0.5
    -0.6931
    """
    covered = tf.reduce_sum(attention, 1)  # (N,S)
    nats = tf.math.log(tf.clip_by_value(covered, 1e-30, 1.0))
    return beta * tf.reduce_sum(tf.where(covered > 0, nats, 0.0), 1)


def ranking(search_state: SearchState, knobs: Knobs) -> Tensor:
    """Returns the score (N,) by which every strategy orders its hypotheses, in nats.

    The summed log-probabilities over the length penalty and the coverage penalty (Wu et al. 2016,
    equation 14), and the length bonus for each token but `<EOS>` (He et al. 2016): penalties and a
    bonus of 0 leave the former alone.
    """
    ended = tf.cast(search_state.finished, tf.float32)
    words = tf.cast(search_state.lengths, tf.float32) - ended
    summed = search_state.scores + ended * knobs.length_bonus  # what weigh_end took away
    penalty = length_penalty(search_state.lengths, knobs.length_penalty)
    coverage = coverage_penalty(search_state.attention, knobs.coverage_penalty)
    return summed / penalty + words * knobs.length_bonus + coverage


def _own_row(search_state: SearchState, token_ids: Tensor, allowed: Tensor) -> Choice:
    """Returns the choice in which each row continues itself."""
    gained = tf.gather(allowed, token_ids, batch_dims=1)
    gained = tf.where(search_state.finished, 0.0, gained)
    return Choice(search_state.parents, token_ids, search_state.scores + gained)


def _own(log_probs: Tensor, choice: Choice) -> Tensor:
    """Returns what the model itself gave the chosen tokens, nats, shape (N,)."""
    return tf.gather_nd(log_probs, tf.stack([choice.parents, choice.token_ids], axis=1))


def _rows_of(search_state: SearchState, parents: Tensor) -> SearchState:
    """Gives each row the past of the row that it continues."""
    return search_state._replace(
        token_ids=tf.gather(search_state.token_ids, parents),
        token_log_probs=tf.gather(search_state.token_log_probs, parents),
        lengths=tf.gather(search_state.lengths, parents),
        finished=tf.gather(search_state.finished, parents),
        attention=tf.gather(search_state.attention, parents),
    )


def _extended(
    past: SearchState, choice: Choice, log_probs: Tensor, attention: Tensor
) -> SearchState:
    """Appends the chosen tokens; a finished row stays as it is, padded with zeros."""
    grows = tf.logical_not(past.finished)
    token_ids = tf.where(grows, choice.token_ids, PAD_ID)
    ended = tf.logical_or(past.finished, token_ids == EOS_ID)
    now = tf.logical_and(  # (N,T)
        tf.range(tf.shape(past.token_ids)[1]) == past.position, grows[:, tf.newaxis]
    )
    return past._replace(
        position=past.position + 1,
        last_ids=token_ids,
        token_ids=tf.where(now, token_ids[:, tf.newaxis], past.token_ids),
        token_log_probs=tf.where(now, log_probs[:, tf.newaxis], past.token_log_probs),
        lengths=past.lengths + tf.cast(grows, tf.int32),
        scores=choice.scores,
        finished=tf.logical_and(ended, choice.scores > _EMPTY),
        parents=choice.parents,
        attention=tf.where(now[..., tf.newaxis], attention[:, tf.newaxis], past.attention),
    )
