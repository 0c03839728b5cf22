"""Each case of the verdict says exactly what its numbers support."""

import math

import pytest

from camber.compare.sentences import (
    Failure,
    best_sentence,
    entry_sentence,
    failure_sentence,
    number,
    pair_sentence,
)
from camber.compare.statistics import (
    Difference,
    Looks,
    against_best,
    best_mean,
    estimate,
    seen_from,
    sequential,
)


def test_worse_is_stated_with_its_interval() -> None:
    worse = Difference("gelu", "relu", 0.05, 0.03, 0.07, 0.0004, 0.004, 5)
    assert entry_sentence(worse, "nats/byte") == (
        "gelu is worse than relu by 0.050 nats/byte (95 % interval 0.030 to 0.070, Holm p = 0.004)."
    )


def test_no_difference_names_what_stays_possible() -> None:
    close = Difference("gelu", "relu", 0.012, -0.01, 0.034, 0.2, 0.4, 5)
    text = entry_sentence(close, "nats/byte")
    assert "no difference from relu within noise: behind by 0.012 nats/byte" in text
    assert "up to 0.034" in text


@pytest.mark.parametrize("lower", [True, False])
def test_the_direction_is_a_word_whichever_way_is_better(lower: bool) -> None:
    """A sign would be read as that of the metric, which is the wrong way round for an accuracy."""
    sign = 1 if lower else -1
    for mean, place in ((0.012, "behind by 0.012"), (-0.012, "ahead by 0.012"), (0, "level (95 %")):
        ends = (mean - 0.03, mean + 0.03)
        low, high = sorted(sign * end for end in ends)
        found = Difference("a", "b", sign * mean, low, high, 0.2, 0.4, 5)
        text = entry_sentence(found, "share", lower_is_better=lower)
        assert text.startswith(f"a: no difference from b within noise: {place}")
        assert text.endswith(f"a deficit of up to {number(ends[1])} stays possible.")


def test_what_an_early_look_decided_says_so() -> None:
    early = Difference("gelu", "relu", 0.05, 0.03, 0.07, 0.0004, 0.004, 5, wins=0.0, losses=1.0)
    for text in (entry_sentence(early, "nats", seeds=8), pair_sentence(early, "nats", seeds=8)):
        assert text.endswith("Holm p = 0.004), decided after 5 of 8 seeds.")
    for text in (entry_sentence(early, "nats", seeds=5), pair_sentence(early, "nats", seeds=5)):
        assert text.endswith("Holm p = 0.004).")


def test_the_best_is_told_from_those_that_were_compared() -> None:
    metrics = {"a": [1.0, 1.1, 0.9], "b": [5.0, 5.1, 4.8], "c": [math.nan, 1.0, 1.0]}
    _, differences = against_best(metrics)
    text = best_sentence("a", estimate(metrics["a"]), differences, "nats", unranked=1)
    assert text.endswith("separated from every other entry that did not diverge.")


def test_the_best_of_a_sequential_comparison_need_not_lead() -> None:
    """b is decided to be worse than a after four seeds, and then overtakes it."""
    metrics = {
        "a": [1.0, 1.1, 0.9, 1.0, 1.0, 1.1, 0.9, 1.05],
        "b": [1.5, 1.61, 1.4, 1.51, 0.1, 0.1, 0.1, 0.1],
        "c": [1.1, 1.0, 1.05, 0.95, 1.0, 1.15, 0.9, 1.2],
    }
    found = sequential(metrics, Looks((4, 8)))
    assert (found.best, best_mean(metrics)) == ("a", "b")
    differences = seen_from("a", found.pairs)
    assert entry_sentence(differences["b"], "nats", seeds=8).endswith("decided after 4 of 8 seeds.")
    assert best_sentence("a", estimate(metrics["a"]), differences, "nats", leads=False) == (
        "a: mean 1.006 nats (95 % interval 0.941 to 1.071) over 8 seeds, the lowest of those that "
        "no look showed to be worse; not separated from c."
    )


def test_one_seed_is_too_few() -> None:
    _, differences = against_best({"a": [1.0], "b": [1.05]})
    text = entry_sentence(differences["b"], "nats/byte")
    assert text.startswith("b: too few seeds to say; it ended behind a by 0.050 nats/byte")


def test_identical_entries_are_said_to_be() -> None:
    _, differences = against_best({"a": [1.0, 1.1], "b": [1.0, 1.1]})
    assert entry_sentence(differences["b"], "nats") == (
        "b and a gave the same value in every one of 2 seeds."
    )


def test_the_best_is_not_oversold() -> None:
    metrics = {"a": [1.0, 1.1, 0.9], "b": [1.02, 1.05, 0.99], "c": [5.0, 5.1, 4.8]}
    best, differences = against_best(metrics)
    assert best == "a"
    text = best_sentence("a", estimate(metrics["a"]), differences, "nats")
    assert text.startswith("a has the lowest mean, 1.000 nats (95 % interval")
    assert text.endswith("not separated from b.")
    alone = best_sentence("c", estimate(metrics["c"]), {}, "nats")
    assert alone.endswith("nothing to compare it with.")


def test_higher_is_better_reads_as_a_deficit() -> None:
    _, differences = against_best(
        {"a": [1.0, 1.1, 1.05], "b": [2.0, 2.2, 2.1]}, lower_is_better=False
    )
    text = entry_sentence(differences["a"], "accuracy", lower_is_better=False)
    assert text.startswith("a is worse than b by 1.050 accuracy (95 % interval 0.")


def test_failed_runs_are_a_result() -> None:
    some = failure_sentence("log(x)", [Failure(2, "the loss is nan at step 0")], 5)
    assert some == (
        "log(x) diverged in 1 of 5 seeds (seed 2): the loss is nan at step 0; "
        "a mean over the others would flatter it, so it is not ranked."
    )
    every = failure_sentence("log(x)", [Failure(0, "the loss is nan")], 1)
    assert every.endswith("it is not ranked.")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.05, "0.050"),
        (0.0012, "0.00120"),
        (-0.0012, "-0.00120"),
        (0, "0.000"),
        (3.2e-7, "3.2e-07"),
        (1234.5, "1234.500"),
        (1e30, "1e+30"),
    ],
)
def test_numbers_keep_their_digits(value: float, text: str) -> None:
    assert number(value) == text
