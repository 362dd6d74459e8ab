"""Greedy, sampling and beam search over tables of probabilities, without any network."""

import itertools
import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from chatbot.config import BOS_ID, EOS_ID, DecodingConfig
from chatbot.decoding.drivers import search, search_steps
from chatbot.decoding.state import SearchState
from chatbot.decoding.strategies import strategy_for
from tests.fakes import END, SYMBOLS, decode, log_table, matrix_step, spell, table_step, word

GARDEN_PATH = {
    "<BOS>": {"a": 0.6, "b": 0.4},
    "a": {"c": 0.5, "d": 0.5},
    "b": {"e": 1.0},
    "c": END,
    "d": END,
    "e": END,
}
LOOP = {"<BOS>": {"a": 1.0}, "a": {"b": 0.9, "<EOS>": 0.1}, "b": {"a": 0.9, "c": 0.1}, "c": END}
STRATEGIES = ["greedy", "sampling", "beam"]


def random_table(seed: int, letters: str = "abc") -> dict[str, dict[str, float]]:
    """Every letter may follow every other, and end."""
    numbers = np.random.default_rng(seed)
    following = [*letters, "<EOS>"]
    return {
        last: dict(zip(following, numbers.dirichlet(np.ones(len(following))), strict=True))
        for last in ["<BOS>", *letters]
    }


def every_sequence(
    table: dict[str, dict[str, float]], max_length: int, alpha: float, bonus: float
) -> list[tuple[float, str, int]]:
    """(score, word, length) of all sequences by brute force, the best first."""
    letters = [symbol for symbol in table if symbol != "<BOS>"]
    found = []
    for count in range(max_length + 1):
        for letters_of_word in itertools.product(letters, repeat=count):
            path = ["<BOS>", *letters_of_word]
            if count < max_length:
                path.append("<EOS>")
            pairs = itertools.pairwise(path)
            length = len(path) - 1
            summed = sum(math.log(table[last][following]) for last, following in pairs)
            score = summed / ((5 + length) / 6) ** alpha + bonus * count
            found.append((score, "".join(letters_of_word), length))
    return sorted(found, reverse=True)


def run_steps(
    step: Any, *, sources: int = 1, max_states: int = 1000, **settings: Any
) -> Iterator[SearchState]:
    config = DecodingConfig(**{"no_repeat_ngram_size": 0, "min_length": 0, **settings})
    strategy = strategy_for(config, forbidden_ids=())
    yield from itertools.islice(
        search_steps(
            strategy,
            step,
            [np.zeros((sources * strategy.rows_per_source, 1))],
            seeds=[config.seed] * sources,
            source_length=len(SYMBOLS),
        ),
        max_states,
    )


def test_beam_finds_the_path_greedy_misses() -> None:
    step = table_step(GARDEN_PATH)
    assert spell(step, strategy="greedy", max_length=4) == "ac"  # 0.6 x 0.5 = 0.30
    assert spell(step, strategy="beam", beam_size=2, max_length=4) == "be"  # 0.4 x 1.0 = 0.40


def test_scores_are_the_log_probabilities_of_the_paths() -> None:
    found = decode(
        table_step(GARDEN_PATH), strategy="beam", beam_size=3, length_penalty=0, max_length=4
    )
    assert [word(row) for row in found.token_ids[0]] == ["be", "ac", "ad"]
    np.testing.assert_allclose(np.exp(found.scores[0]), [0.4, 0.3, 0.3], rtol=1e-5)
    np.testing.assert_allclose(
        np.exp(found.token_log_probs[0]),
        [[0.4, 1, 1], [0.6, 0.5, 1], [0.6, 0.5, 1]],
        rtol=1e-5,
    )


def test_a_reply_ends_with_one_eos_that_its_length_counts() -> None:
    found = decode(table_step(GARDEN_PATH), strategy="greedy", max_length=6)
    assert found.token_ids[0, 0, 2:].tolist() == [EOS_ID]
    assert found.lengths.tolist() == [[3]]


def test_a_reply_cut_off_by_max_length_has_no_eos() -> None:
    for strategy in STRATEGIES:
        found = decode(
            table_step({"<BOS>": {"a": 1.0}, "a": {"a": 1.0}}), strategy=strategy, max_length=3
        )
        assert word(found.token_ids[0, 0]) == "aaa"
        assert EOS_ID not in found.token_ids[0, 0]
        assert found.lengths[0, 0] == 3


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("alpha", "bonus"), [(0.0, 0.0), (1.0, 0.0), (2.0, 0.0), (-1.0, 0.0), (0.0, 0.5), (0.7, -0.4)]
)
def test_a_beam_as_wide_as_all_sequences_is_exact(seed: int, alpha: float, bonus: float) -> None:
    table = random_table(seed)
    found = decode(
        table_step(table),
        strategy="beam",
        beam_size=64,
        max_length=3,
        length_penalty=alpha,
        length_bonus=bonus,
    )
    expected = every_sequence(table, 3, alpha, bonus)
    assert len(expected) == 1 + 3 + 9 + 27
    count = len(expected)
    np.testing.assert_allclose(found.scores[0, :count], [e[0] for e in expected], rtol=1e-4)
    assert [word(row) for row in found.token_ids[0, :count]] == [e[1] for e in expected]
    assert found.lengths[0, :count].tolist() == [e[2] for e in expected]


def beam_by_hand(
    table: dict[str, dict[str, float]], beam_size: int, max_length: int
) -> list[tuple[float, str]]:
    """The same beam search over words, with lists: finished ones keep their place."""
    finished: list[tuple[float, str]] = []
    live = [(0.0, "")]
    for _ in range(max_length):
        longer = [
            (score + math.log(probability), text, symbol)
            for score, text in live
            for symbol, probability in table[text[-1:] or "<BOS>"].items()
        ]
        best = sorted(longer, reverse=True)[: beam_size - len(finished)]
        finished += [(score, text) for score, text, symbol in best if symbol == "<EOS>"]
        live = [(score, text + symbol) for score, text, symbol in best if symbol != "<EOS>"]
    return sorted(finished + live, reverse=True)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("beam_size", [1, 2, 3, 5])
def test_a_narrow_beam_keeps_what_it_would_by_hand(seed: int, beam_size: int) -> None:
    table = random_table(seed, "abcdef")
    found = decode(
        table_step(table), strategy="beam", beam_size=beam_size, length_penalty=0, max_length=6
    )
    expected = beam_by_hand(table, beam_size, 6)
    assert [word(row) for row in found.token_ids[0]] == [text for _, text in expected]
    np.testing.assert_allclose(found.scores[0], [score for score, _ in expected], rtol=1e-5)


def test_places_without_a_hypothesis_come_last_and_are_empty() -> None:
    found = decode(table_step(GARDEN_PATH), strategy="beam", beam_size=8, max_length=5)
    assert [word(row) for row in found.token_ids[0]] == ["be", "ac", "ad", "", "", "", "", ""]
    assert np.isfinite(found.scores[0, :3]).all()
    assert np.isneginf(found.scores[0, 3:]).all()
    assert found.lengths[0, 3:].tolist() == [0] * 5
    assert not found.token_ids[0, 3:].any()
    assert not found.attention[0, 3:].any()


def test_a_finished_hypothesis_is_not_pushed_out_by_likelier_unfinished_ones() -> None:
    step = table_step(
        {
            "<BOS>": {"a": 0.5, "b": 0.3, "<EOS>": 0.2},
            "a": {"c": 0.5, "d": 0.5},  # ac 0.25, ad 0.25 and be 0.3 pass 0.2 here
            "b": {"e": 1.0},
            **{letter: {"f": 0.5, "g": 0.5} for letter in "cde"},  # and fall below it: bef 0.15
            "f": END,
            "g": END,
        }
    )
    found = decode(step, strategy="beam", beam_size=3, length_penalty=0, max_length=6)
    assert word(found.token_ids[0, 0]) == ""  # 0.20 against 0.15
    assert found.lengths[0, 0] == 1


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"no_repeat_ngram_size": 2},
        {"min_length": 4},
        {"repetition_penalty": 1.5},
        {"length_bonus": 1.0, "no_repeat_ngram_size": 1},
    ],
)
def test_a_beam_of_one_is_greedy_search(seed: int, settings: dict[str, Any]) -> None:
    step = table_step(random_table(seed, "abcdef"))
    greedy = decode(step, strategy="greedy", max_length=9, **settings)
    beam = decode(step, strategy="beam", beam_size=1, max_length=9, **settings)
    for one, other in zip(greedy, beam, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_greedy_takes_the_likeliest_token_at_each_step() -> None:
    assert spell(table_step(LOOP), strategy="greedy", max_length=6) == "ababab"


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_run_of_two_tokens_comes_twice(strategy: str) -> None:
    for seed in range(5):
        found = decode(
            table_step(random_table(seed)),
            strategy=strategy,
            seed=seed,
            max_length=20,
            min_length=8,
            no_repeat_ngram_size=2,
        )
        for row, length in zip(found.token_ids[0], found.lengths[0], strict=True):
            pairs = list(itertools.pairwise(row[:length].tolist()))
            assert len(pairs) == len(set(pairs))


def test_without_repeats_greedy_leaves_a_loop() -> None:
    assert spell(table_step(LOOP), strategy="greedy", no_repeat_ngram_size=2) == "aba"
    assert spell(table_step(LOOP), strategy="greedy", no_repeat_ngram_size=1) == "abc"


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("min_length", [0, 1, 3])
def test_no_reply_ends_before_min_length(strategy: str, min_length: int) -> None:
    step = table_step({"<BOS>": {"a": 0.1, "<EOS>": 0.9}, "a": {"a": 0.1, "<EOS>": 0.9}})
    found = decode(
        step, strategy=strategy, beam_size=1, top_p=0.5, min_length=min_length, max_length=8
    )
    assert word(found.token_ids[0, 0]) == "a" * min_length


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_search_with_nothing_left_to_say_ends(strategy: str) -> None:
    step = table_step({"<BOS>": {"a": 1.0}, "a": {"a": 1.0}})
    found = decode(step, strategy=strategy, no_repeat_ngram_size=1, min_length=5, max_length=9)
    assert word(found.token_ids[0, 0]) == "a"
    assert found.lengths[0, 0] == 2
    assert np.isfinite(found.scores[0, 0])


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_step_without_any_possible_token_ends_the_reply(strategy: str) -> None:
    found = decode(table_step({"<BOS>": {}}), strategy=strategy, max_length=5)
    assert found.lengths[0, 0] == 1
    assert not np.isnan(found.scores).any()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_broken_model_ends_the_search_with_an_empty_reply(strategy: str) -> None:
    step = matrix_step(np.full((12, 12), np.nan, np.float32))
    found = decode(step, strategy=strategy, max_length=1000)
    assert found.lengths.sum() == 0
    assert not found.token_ids.any()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_forbidden_ids_never_come(strategy: str) -> None:
    step = matrix_step(np.log(np.full((12, 12), 1 / 12)))
    config = DecodingConfig(strategy=strategy, max_length=30, no_repeat_ngram_size=0, top_p=1.0)
    chosen = strategy_for(config, forbidden_ids=(1, 4, 5, 6, 7, 8))
    found = search(
        chosen,
        step,
        [np.zeros((4 * chosen.rows_per_source, 1))],
        seeds=range(4),
        source_length=12,
    )
    for row, length in zip(found.token_ids[:, 0], found.lengths[:, 0], strict=True):
        assert set(row[:length].tolist()) <= {EOS_ID, 9, 10, 11}


@pytest.mark.parametrize(("bonus", "expected"), [(-5.0, ""), (0.0, "a"), (5.0, "aaaaaa")])
@pytest.mark.parametrize("strategy", ["greedy", "beam"])
def test_a_length_bonus_lengthens_and_a_negative_one_shortens(
    strategy: str, bonus: float, expected: str
) -> None:
    step = table_step({"<BOS>": {"a": 0.7, "<EOS>": 0.3}, "a": {"a": 0.3, "<EOS>": 0.7}})
    assert spell(step, strategy=strategy, beam_size=3, length_bonus=bonus, max_length=6) == expected


def test_a_length_penalty_prefers_longer_replies() -> None:
    step = table_step(
        {"<BOS>": {"a": 0.5, "b": 0.5}, "a": {"<EOS>": 0.5, "h": 0.5}, "h": {"h": 1.0},
         "b": {"c": 0.45, "h": 0.55}, "c": {"d": 1.0}, "d": {"e": 1.0}, "e": END}
    )  # fmt: skip
    beam = {"strategy": "beam", "beam_size": 8, "max_length": 6}
    ended = [
        [word(row) for row in found.token_ids[0] if EOS_ID in row]
        for found in (decode(step, length_penalty=a, **beam) for a in (0.0, 1.0))
    ]
    assert ended[0] == ["a", "bcde"]  # 0.25 against 0.225
    assert ended[1] == ["bcde", "a"]  # log 0.225 x 6/10 against log 0.25 x 6/7


def test_samples_follow_the_distribution() -> None:
    table = {"<BOS>": {"a": 0.5, "b": 0.3, "c": 0.2}, **dict.fromkeys("abc", END)}
    counts = sample(table, temperature=1.0, top_p=1.0)
    assert shares(counts) == pytest.approx({"a": 0.5, "b": 0.3, "c": 0.2}, abs=0.03)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"top_k": 2, "top_p": 1.0}, {"a": 0.625, "b": 0.375}),
        ({"top_k": 1, "top_p": 1.0}, {"a": 1.0}),
        ({"top_p": 0.6}, {"a": 0.625, "b": 0.375}),
        ({"top_p": 0.4}, {"a": 1.0}),
        ({"top_k": 2, "top_p": 0.6}, {"a": 1.0}),  # 0.625 of what top_k left is enough
        ({"temperature": 0.5, "top_p": 1.0}, {"a": 25 / 38, "b": 9 / 38, "c": 4 / 38}),
    ],
)
def test_samples_come_from_the_kept_tokens_alone(
    settings: dict[str, Any], expected: dict[str, float]
) -> None:
    table = {"<BOS>": {"a": 0.5, "b": 0.3, "c": 0.2}, **dict.fromkeys("abc", END)}
    counts = sample(table, **{"temperature": 1.0, **settings})
    assert shares(counts) == pytest.approx(expected, abs=0.03)


def sample(table: dict[str, dict[str, float]], **settings: Any) -> Counter[str]:
    """Counts what 40 sources with seeds of their own say in 64 samples each."""
    config = DecodingConfig(
        strategy="sampling", n_best=64, max_length=3, no_repeat_ngram_size=0, **settings
    )
    found = search(
        strategy_for(config, forbidden_ids=()),
        table_step(table),
        [],
        seeds=range(40),
        source_length=len(SYMBOLS),
    )
    rows = found.token_ids.reshape(-1, found.token_ids.shape[-1])
    return Counter(word(row) for row in rows)


def shares(counts: Counter[str]) -> dict[str, float]:
    return {symbol: count / counts.total() for symbol, count in counts.items()}


def sampled_words(seeds: list[int], n_best: int = 3) -> list[list[str]]:
    config = DecodingConfig(strategy="sampling", n_best=n_best, max_length=12, temperature=2.0)
    strategy = strategy_for(config, forbidden_ids=())
    found = search(
        strategy,
        table_step(random_table(7, "abcdefgh")),
        [np.zeros((len(seeds) * n_best, 1))],
        seeds=seeds,
        source_length=len(SYMBOLS),
    )
    return [[word(row) for row in source] for source in found.token_ids]


def test_the_same_seed_gives_the_same_samples_alone_and_in_a_batch() -> None:
    alone = sampled_words([5])[0]
    assert sampled_words([1, 5, 2**31 - 1])[1] == alone
    assert sampled_words([5, 5]) == [alone, alone]


def test_more_room_does_not_change_how_a_sample_begins() -> None:
    step, settings = table_step(random_table(4)), {"strategy": "sampling", "min_length": 10}
    short, long = (spell(step, max_length=length, **settings) for length in (11, 40))
    assert long.startswith(short[:10])


def test_other_seeds_and_other_samples_differ() -> None:
    words = [word for source in sampled_words(list(range(6))) for word in source]
    assert len(set(words)) > 12


def test_samples_come_best_first() -> None:
    found = decode(table_step(random_table(1)), strategy="sampling", n_best=8, temperature=2.0)
    assert (np.diff(found.scores[0]) <= 0).all()
    assert len({tuple(row) for row in found.token_ids[0].tolist()}) > 1


def source_step(tables: list[dict[str, dict[str, float]]], rows_per_source: int) -> Any:
    """A step that gives each source a table of its own, by the row's place alone."""
    log_probs = np.stack([log_table(table) for table in tables])

    def step(token_ids: Any, state: Any) -> Any:
        sources = np.arange(len(token_ids)) // rows_per_source
        return log_probs[sources, token_ids], state, np.eye(len(SYMBOLS))[token_ids]

    return step


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_batch_mates_do_not_change_a_reply(strategy: str) -> None:
    tables = [random_table(3), GARDEN_PATH, random_table(9, "ab"), LOOP]
    rows = 4 if strategy == "beam" else 1
    settings = {"strategy": strategy, "beam_size": rows, "max_length": 8, "seed": 3}
    together = decode(source_step(tables, rows), sources=len(tables), **settings)
    for place, table in enumerate(tables):
        alone = decode(source_step([table], rows), **settings)
        for one, other in zip(alone, together, strict=True):
            same = other[place][(..., *map(slice, one[0].shape))]  # others may say more
            np.testing.assert_allclose(one[0], same, rtol=1e-5)


def test_the_model_state_follows_its_hypothesis() -> None:
    """The state holds every token that a row was fed: it must spell the row's own past."""

    def step(token_ids: Any, state: Any) -> Any:
        history = np.concatenate([state[0][:, 1:], token_ids[:, np.newaxis]], 1)
        return log_table(random_table(2, "abcd"))[token_ids], [history], history

    config = DecodingConfig(strategy="beam", beam_size=5, max_length=6, no_repeat_ngram_size=0)
    found = search(
        strategy_for(config, forbidden_ids=()),
        step,
        [np.zeros((5, 6), int)],
        seeds=[0],
        source_length=6,
    )
    for tokens, length, attention in zip(
        found.token_ids[0],
        found.lengths[0],
        found.attention[0],
        strict=True,
    ):
        fed = [BOS_ID, *tokens[: length - 1].tolist()]
        assert attention[length - 1, -length:].tolist() == fed
        assert not attention[length:].any()


def test_attention_is_kept_for_each_token() -> None:
    found = decode(table_step(GARDEN_PATH), strategy="beam", beam_size=3, max_length=4)
    looked_at = found.attention[0, 0].argmax(1)[: found.lengths[0, 0]]
    assert [SYMBOLS[i] for i in looked_at] == ["<BOS>", "b", "e"]


def test_the_first_state_comes_after_exactly_one_step() -> None:
    calls = []

    def step(token_ids: Any, state: Any) -> Any:
        calls.append(token_ids.tolist())
        return table_step(LOOP)(token_ids, state)

    states = run_steps(step, strategy="greedy", max_length=5)
    assert next(states).position == 1
    assert calls == [[BOS_ID]]
    next(states)
    assert len(calls) == 2


def test_streaming_shows_one_more_token_each_time() -> None:
    seen = [
        word(state.token_ids[0])
        for state in run_steps(table_step(GARDEN_PATH), strategy="greedy", max_length=8)
    ]
    assert seen == ["a", "ac", "ac"]


def test_the_loop_stops_when_all_rows_have_ended() -> None:
    steps = []

    def step(token_ids: Any, state: Any) -> Any:
        steps.append(1)
        return table_step(GARDEN_PATH)(token_ids, state)

    for strategy in STRATEGIES:
        steps.clear()
        decode(step, sources=3, strategy=strategy, beam_size=8, max_length=50)
        assert len(steps) == 3


def test_the_end_can_not_be_forbidden() -> None:
    assert EOS_ID not in strategy_for(DecodingConfig(), forbidden_ids=(EOS_ID,)).forbidden_ids


CHAIN = {
    "<BOS>": {"a": 0.9, "b": 0.1},
    "a": {"c": 0.7, "d": 0.2, "<EOS>": 0.1},
    "b": {"c": 0.5, "<EOS>": 0.5},
    "c": {"d": 0.1, "<EOS>": 0.9},
    "d": {"c": 0.3, "b": 0.3, "<EOS>": 0.4},
}


def constrained(table, runs, beam_size=6, sources=1, **settings):
    config = DecodingConfig(strategy="beam", beam_size=beam_size, n_best=1, min_length=0,
                            no_repeat_ngram_size=0, **settings)  # fmt: skip
    required = [[SYMBOLS.index(letter) for letter in run] for run in runs]
    strategy = strategy_for(config, forbidden_ids=(), required=required)
    found = search(
        strategy, table_step(table), [np.zeros((sources * beam_size, 1))],
        seeds=[0] * sources, source_length=len(SYMBOLS),
    )  # fmt: skip
    return [word(ids) for ids in found.token_ids[:, 0]]


@pytest.mark.parametrize("runs", [["b"], ["dc"], ["d", "b"], ["ad"], ["cd", "ad"], ["a"]])
def test_a_constrained_beam_finds_the_best_sequence_that_holds_every_run(runs):
    """Brute force: all sequences of up to five letters that hold the runs."""
    found = constrained(CHAIN, runs, beam_size=40, max_length=6, length_penalty=0.0)
    best, nats = "", -math.inf
    for count in range(1, 6):
        for letters in itertools.product("abcd", repeat=count):
            path = ["<BOS>", *letters, "<EOS>"]
            odds = [CHAIN[last].get(after, 0) for last, after in itertools.pairwise(path)]
            score = sum(math.log(p) if p else -math.inf for p in odds)
            if score > nats and all(run in "".join(letters) for run in runs):
                best, nats = "".join(letters), score
    assert found == [best]


def test_without_room_for_every_run_the_search_still_ends():
    assert len(constrained(CHAIN, ["dddddd"], max_length=4)[0]) <= 4


def test_each_source_has_its_own_constrained_beam():
    assert (
        constrained(CHAIN, ["b"], sources=3, max_length=5)
        == constrained(CHAIN, ["b"], max_length=5) * 3
    )


def test_a_model_state_may_grow_along_its_second_axis():
    """As the keys of a Transformer do: the step sees every token before."""

    def step(token_ids, state):
        past = np.concatenate([state[0], token_ids[:, None, None]], 1)
        wanted = [4, 5, 6, EOS_ID][min(past.shape[1] - 1, 3)]
        log_probs = np.log(np.eye(12)[[wanted] * len(token_ids)] + 1e-9)
        return log_probs, [past], np.eye(len(SYMBOLS))[token_ids]

    for name in STRATEGIES:
        config = DecodingConfig(strategy=name, beam_size=2, temperature=0.1, max_length=6)
        strategy = strategy_for(config, forbidden_ids=())
        found = search(
            strategy, step, [np.zeros((strategy.rows_per_source, 0, 1))],
            seeds=[0], source_length=len(SYMBOLS),
        )  # fmt: skip
        assert word(found.token_ids[0, 0]) == "abc"


def test_the_coverage_penalty_prefers_what_looked_at_all_of_the_source():
    """The fake attends to the last token: "ab" looked at three places, "aa" at two."""
    table = {"<BOS>": {"a": 1.0}, "a": {"a": 0.5, "b": 0.3, "<EOS>": 0.2}, "b": END}
    plain = {"strategy": "beam", "beam_size": 8, "max_length": 3, "length_penalty": 0.0}
    assert spell(table_step(table), **plain) in ("a", "ab", "aa")
    found = decode(table_step(table), coverage_penalty=1.0, **plain)
    for k in range(3):
        weights = found.attention[0, k].sum(0)
        nats = found.token_log_probs[0, k].sum()
        covered = np.log(np.minimum(weights[weights > 0], 1)).sum()
        assert found.scores[0, k] == pytest.approx(nats + covered, abs=1e-5)
