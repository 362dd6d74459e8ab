"""How the next tokens are chosen: greedy, sampling and beam search, each a small frozen class.

A strategy is a pure function over arrays and knows no model, no text and no loop. Read next:
drivers.py, which runs it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from chatbot.config import BOS_ID, EOS_ID, PAD_ID, DecodingConfig
from chatbot.decoding import constraints, filters
from chatbot.decoding.nats import Best, top_k
from chatbot.decoding.state import Array, SearchState

_EMPTY = float("-inf")  # the score of a place in a beam that holds no hypothesis
_LACKING = 1e4  # nats: below all that a hypothesis without a required run can score
_FIRST = float("inf")  # the rank of a hypothesis that keeps its place in any case


class Choice(NamedTuple):
    """What each row becomes in one step."""

    parents: Array  # (N,): the row that it continues
    token_ids: Array  # (N,): the token that it adds; ignored where the parent is finished
    scores: Array  # (N,) float32: nats, summed from the start


@dataclass(frozen=True)
class Strategy(ABC):
    """What a search does at each step.

    Args:
        config: the settings.
        forbidden_ids: token ids that never come.
    """

    reorders: ClassVar[bool] = False  # rows may continue rows other than themselves

    config: DecodingConfig
    forbidden_ids: tuple[int, ...] = (PAD_ID, BOS_ID)

    @property
    def rows_per_source(self) -> int:
        """K, the sequences searched for each source."""
        return 1

    def start(self, seeds: Sequence[int], source_length: int) -> SearchState:
        """Returns the search before its first step, for B sources.

        Args:
            seeds: one for each source; only sampling looks at them.
            source_length: S, the width of the attention weights.
        """
        rows = len(seeds) * self.rows_per_source
        return SearchState(
            last_ids=np.full(rows, BOS_ID, np.int32),
            token_ids=np.zeros((rows, 0), np.int32),
            token_log_probs=np.zeros((rows, 0), np.float32),
            lengths=np.zeros(rows, np.int32),
            scores=self._first_scores(rows),
            finished=np.zeros(rows, bool),
            parents=np.arange(rows),
            attention=np.zeros((rows, 0, source_length), np.float32),
            draws=self._first_draws(seeds),
        )

    def advance(self, search_state: SearchState, log_probs: Array, attention: Array) -> SearchState:
        """Returns the search one token later.

        Args:
            search_state: of N rows.
            log_probs: what the model thinks comes next in each row, nats, shape (N, V).
            attention: its weights over the source, shape (N, S).
        """
        choice = self._choose(search_state, self.allowed(search_state, log_probs))
        if self.reorders:
            search_state = _rows_of(search_state, choice.parents)
            attention = attention[choice.parents]
        return _extended(search_state, choice, _own(log_probs, choice), attention)

    def allowed(self, search_state: SearchState, log_probs: Array) -> Array:
        """Returns the log-probabilities (N, V) that scores are made of, under every constraint."""
        config, token_ids = self.config, search_state.token_ids
        kept = filters.repetition_penalty(log_probs.copy(), token_ids, config.repetition_penalty)
        kept = filters.block_repeated_ngrams(kept, token_ids, config.no_repeat_ngram_size)
        kept = filters.forbid(kept, self.forbidden_ids)
        kept = filters.weigh_end(
            kept, search_state.position, config.min_length, config.length_bonus
        )
        return filters.leave_a_way_out(kept, log_probs)

    def rank(self, search_state: SearchState) -> Array:
        """Returns the score (N,) that orders the hypotheses at the end: `ranking`."""
        return ranking(search_state, self.config)

    @abstractmethod
    def _choose(self, search_state: SearchState, allowed: Array) -> Choice:
        """Picks what each row becomes, from log-probabilities (N, V)."""

    def _first_scores(self, rows: int) -> Array:
        return np.zeros(rows, np.float32)

    def _first_draws(self, seeds: Sequence[int]) -> Array:
        return np.zeros((len(seeds) * self.rows_per_source, 0))


@dataclass(frozen=True)
class Greedy(Strategy):
    """Takes the likeliest token at each step, the lower id where two tie."""

    def _choose(self, search_state: SearchState, allowed: Array) -> Choice:
        return _own_row(search_state, allowed.argmax(1), allowed)


@dataclass(frozen=True)
class Sampling(Strategy):
    """Draws each token from the model's distribution after temperature, top-k and top-p.

    The uniform numbers of a row follow from the seed of its source and its place among that
    source's samples alone, so that a reply is the same alone and in a batch.
    """

    @property
    def rows_per_source(self) -> int:
        """As many as are asked for."""
        return self.config.n_best

    def _choose(self, search_state: SearchState, allowed: Array) -> Choice:
        shaped = filters.apply_temperature(allowed, self.config.temperature)
        shaped = filters.keep_top_k(shaped, self.config.top_k)
        shaped = filters.keep_top_p(shaped, self.config.top_p)
        drawn = pick(shaped, search_state.draws[:, search_state.position])
        return _own_row(search_state, drawn, allowed)

    def _first_draws(self, seeds: Sequence[int]) -> Array:
        width = self.config.max_length
        samples = [(seed, sample) for seed in seeds for sample in range(self.rows_per_source)]
        return np.stack([np.random.default_rng(sample).random(width) for sample in samples])


@dataclass(frozen=True)
class Beam(Strategy):
    """Keeps the K likeliest hypotheses of each source (Sutskever et al. 2014, section 3.2).

    A hypothesis that ends keeps its place and the beam goes on with the places left, so none that
    the length penalty may favour in the end is pushed out by one that is likelier so far. Hence K
    hypotheses come back, a beam of 1 is greedy search, and a beam as wide as the number of all
    sequences is exact. The search ends when every hypothesis has ended.
    """

    reorders = True

    @property
    def rows_per_source(self) -> int:
        """The beam's width."""
        return self.config.beam_size

    def _choose(self, search_state: SearchState, allowed: Array) -> Choice:
        vocab_size, finished = allowed.shape[1], search_state.finished
        ranks = search_state.scores[:, np.newaxis] + allowed
        ranks[finished] = _EMPTY
        ranks[finished, PAD_ID] = _FIRST
        best = self._best(search_state, ranks)  # (B,K)
        first_rows = self.rows_per_source * np.arange(len(best.places))[:, np.newaxis]  # (B,1)
        parents = (first_rows + best.places // vocab_size).ravel()
        scores = best.values.ravel()
        return Choice(
            parents=parents,
            token_ids=(best.places % vocab_size).ravel(),
            scores=np.where(scores == _FIRST, search_state.scores[parents], scores),
        )

    def _best(self, search_state: SearchState, ranks: Array) -> Best:
        """Returns which K of the K*V candidates of each source go on, and their ranks."""
        return top_k(self._by_source(ranks), self.rows_per_source)

    def _by_source(self, ranks: Array) -> Array:
        return ranks.reshape(-1, self.rows_per_source * ranks.shape[1])  # (N,V) -> (B,K*V)

    def _first_scores(self, rows: int) -> Array:
        """Starts with one hypothesis; K equal ones would stay K copies of the greedy reply."""
        first = np.arange(rows) % self.rows_per_source == 0
        return np.where(first, np.float32(0), np.float32(_EMPTY))


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

    required: tuple[tuple[int, ...], ...] = ()

    def allowed(self, search_state: SearchState, log_probs: Array) -> Array:
        """Lets no row end before it holds every run, unless nothing else is possible."""
        kept = super().allowed(search_state, log_probs)
        kept[self._lacks(search_state), EOS_ID] = _EMPTY
        return filters.leave_a_way_out(kept, log_probs)

    def rank(self, search_state: SearchState) -> Array:
        """Puts what holds every run first."""
        return super().rank(search_state) - np.float32(_LACKING) * self._lacks(search_state)

    def _lacks(self, search_state: SearchState) -> Array:
        now = constraints.held(search_state.token_ids, self.required)
        return now < constraints.size(self.required)

    def _best(self, search_state: SearchState, ranks: Array) -> Best:
        held = constraints.held_with_next(search_state.token_ids, self.required, ranks.shape[1])
        ranks, held = self._by_source(ranks), self._by_source(held)
        banks = [
            top_k(np.where(held == tokens, ranks, np.float32(_EMPTY)), self.rows_per_source)
            for tokens in reversed(range(constraints.size(self.required) + 1))
        ]
        in_turn = len(ranks), -1  # (B,K,banks) -> (B,K*banks): the best of each bank come first
        values = np.stack([best.values for best in banks], 2).reshape(in_turn)
        places = np.stack([best.places for best in banks], 2).reshape(in_turn)
        turns = np.where(values == _EMPTY, values.shape[1], np.arange(values.shape[1]))
        turns = np.where(values == _FIRST, -1, turns)  # what has ended keeps its place
        chosen = np.argsort(turns, axis=1, kind="stable")[:, : self.rows_per_source]
        return Best(*(np.take_along_axis(array, chosen, 1) for array in (values, places)))


def strategy_for(
    config: DecodingConfig,
    *,
    forbidden_ids: Sequence[int],
    required: Sequence[Sequence[int]] = (),
) -> Strategy:
    """Returns the strategy that a configuration names.

    Args:
        config: the settings.
        forbidden_ids: token ids that never come; `<PAD>` and `<BOS>` never do, `<EOS>` always may.
        required: runs of tokens that a beam's hypotheses hold, `config.must_contain` as tokens.
    """
    forbidden = tuple(sorted({PAD_ID, BOS_ID, *forbidden_ids} - {EOS_ID}))
    if config.strategy == "beam" and required:
        return ConstrainedBeam(config, forbidden, tuple(map(tuple, required)))
    kinds: Mapping[str, Callable[..., Strategy]] = {
        "greedy": Greedy,
        "sampling": Sampling,
        "beam": Beam,
    }
    return kinds[config.strategy](config, forbidden)


def pick(log_probs: Array, draws: Array) -> Array:
    """Returns the token ids (N,) at which the cumulative distribution passes `draws` (N,).

    >>> pick(np.log([[0.5, 1e-9, 0.5], [0.5, 1e-9, 0.5]]), np.array([0.4, 0.6]))
    array([0, 2])
    """
    cumulative = np.cumsum(np.exp(log_probs), axis=1, dtype=np.float64)
    chosen: Array = (cumulative <= draws[:, np.newaxis] * cumulative[:, -1:]).sum(1)
    return chosen


def length_penalty(lengths: Array, alpha: float) -> Array:
    """((5 + length) / 6) ** alpha (Wu et al. 2016, arXiv:1609.08144, equation 14); 0 is off.

    >>> length_penalty(np.array([7]), 1.0)
    array([2.], dtype=float32)
    """
    penalty: Array = ((5 + lengths.astype(np.float32)) / 6) ** np.float32(alpha)
    return penalty


def coverage_penalty(attention: Array, beta: float) -> Array:
    """beta * sum_s ln min(sum_t a_ts, 1) (Wu et al. 2016, arXiv:1609.08144, equations 14 and 15).

    Positions that get no weight at all are padding and count nothing; without attention all are.

    Args:
        attention: shape (N,T,S).
        beta: 0 is off.
    Returns:
        Nats, at most 0, shape (N,).

    >>> weights = [[[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]]]
    >>> coverage_penalty(np.array(weights), 1.0).round(4)  # ln 0.5
    array([-0.6931])
    """
    covered = attention.sum(1)  # (N,S)
    nats = np.log(np.clip(covered, 1e-30, 1.0))
    penalty: Array = beta * np.where(covered > 0, nats, 0).sum(1)
    return penalty


def ranking(search_state: SearchState, config: DecodingConfig) -> Array:
    """Returns the score (N,) by which every strategy orders its hypotheses, in nats.

    The summed log-probabilities over the length penalty and the coverage penalty (Wu et al. 2016,
    equation 14), and the length bonus for each token but `<EOS>` (He et al. 2016): penalties and a
    bonus of 0 leave the former alone.
    """
    ended = search_state.finished.astype(np.float32)
    words = search_state.lengths - ended
    summed = search_state.scores + ended * config.length_bonus  # what weigh_end took away
    penalty = length_penalty(search_state.lengths, config.length_penalty)
    coverage = coverage_penalty(search_state.attention, config.coverage_penalty)
    scores: Array = summed / penalty + words * config.length_bonus + coverage
    return scores


def _own_row(search_state: SearchState, token_ids: Array, allowed: Array) -> Choice:
    """Returns the choice in which each row continues itself."""
    rows = np.arange(len(token_ids))
    gained = np.where(search_state.finished, np.float32(0), allowed[rows, token_ids])
    return Choice(rows, token_ids, search_state.scores + gained)


def _own(log_probs: Array, choice: Choice) -> Array:
    """Returns what the model itself gave the chosen tokens, nats, shape (N,)."""
    own: Array = log_probs[choice.parents, choice.token_ids]
    return own


def _rows_of(search_state: SearchState, parents: Array) -> SearchState:
    """Gives each row the past of the row that it continues."""
    return search_state._replace(
        token_ids=search_state.token_ids[parents],
        token_log_probs=search_state.token_log_probs[parents],
        lengths=search_state.lengths[parents],
        finished=search_state.finished[parents],
        attention=search_state.attention[parents],
    )


def _extended(past: SearchState, choice: Choice, log_probs: Array, attention: Array) -> SearchState:
    """Appends the chosen tokens; a finished row stays as it is, padded with zeros."""
    grows = ~past.finished
    token_ids = np.where(grows, choice.token_ids, PAD_ID).astype(np.int32)
    ended = past.finished | (token_ids == EOS_ID)
    return past._replace(
        last_ids=token_ids,
        token_ids=_appended(past.token_ids, token_ids),
        token_log_probs=_appended(past.token_log_probs, np.where(grows, log_probs, np.float32(0))),
        lengths=past.lengths + grows,
        scores=choice.scores,
        finished=ended & (choice.scores > _EMPTY),
        parents=choice.parents,
        attention=_appended(past.attention, np.where(grows[:, np.newaxis], attention, 0)),
    )


def _appended(past: Array, now: Array) -> Array:
    """(N,T,...), (N,...) -> (N,T+1,...)."""
    return np.concatenate([past, now[:, np.newaxis].astype(past.dtype, copy=False)], 1)
