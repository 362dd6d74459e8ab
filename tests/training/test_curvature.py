"""The Fisher matrix by its directions: checked against one that is known."""

import numpy as np
import pytest

from chatbot.training.curvature import Curvature

ROWS, COLUMNS = 6, 9


def root(size, seed):
    """A matrix whose product with its transpose is a covariance far from round."""
    random = np.random.default_rng(seed)
    directions, _ = np.linalg.qr(random.normal(size=(size, size)))
    return (directions * np.geomspace(3, 0.1, size)).astype("float32")


LEFT, RIGHT = root(ROWS, 1), root(COLUMNS, 2)


def gradients(seed):
    """Those of one matrix with E[G_ij G_kl] = (L L')_ik (R R')_jl, and those of one bias."""
    random = np.random.default_rng(seed)
    noise = random.normal(size=(ROWS, COLUMNS)).astype("float32")
    return [LEFT @ noise @ RIGHT.T, np.full(3, 2.0, "float32")]


def measured(damping=1e-6, batches=4000):
    curvature = Curvature(damping)
    for seed in range(batches):
        curvature.add(gradients(seed))
    curvature.turn()
    for seed in range(batches, 2 * batches):
        curvature.weigh(gradients(seed))
    return curvature


@pytest.fixture(scope="module")
def curvature():
    return measured()


def test_the_size_of_a_change_is_that_of_the_true_matrix(curvature):
    change = np.random.default_rng(7).normal(size=(ROWS, COLUMNS)).astype("float32")
    nothing = np.zeros(3, "float32")
    truth = np.square(LEFT.T @ change @ RIGHT).sum()
    assert curvature.size([change, nothing]) == pytest.approx(truth, rel=0.1)
    assert curvature.size([0 * change, nothing + 1]) == pytest.approx((3 * 2.0) ** 2, rel=1e-3)


def test_a_shaped_gradient_is_the_inverse_times_the_gradient(curvature):
    """So g' F⁻¹ g = (F⁻¹ g)' F (F⁻¹ g), and F⁻¹ is that of the true matrix."""
    gradient = gradients(99_999)
    shaped = curvature.shaped(gradient)
    product = sum(float(np.vdot(g, s)) for g, s in zip(gradient, shaped, strict=True))
    assert curvature.size(shaped) == pytest.approx(product, rel=1e-3)
    inverse = np.linalg.inv(LEFT @ LEFT.T) @ gradient[0] @ np.linalg.inv(RIGHT @ RIGHT.T)
    assert np.abs(shaped[0] - inverse).max() < 0.1 * np.abs(inverse).max()


def test_with_much_damping_a_step_is_the_plain_gradient():
    gradient = gradients(5)[0]
    shaped = measured(damping=1e6, batches=20).shaped([gradient, np.ones(3, "float32")])[0]
    assert np.corrcoef(shaped.ravel(), gradient.ravel())[0, 1] > 0.999


def test_a_side_too_long_to_turn_is_kept_as_it_is(monkeypatch):
    monkeypatch.setattr("chatbot.training.curvature._LONGEST", ROWS)
    curvature = measured(batches=2000)
    change = np.random.default_rng(7).normal(size=(ROWS, COLUMNS)).astype("float32")
    diagonal = np.square(RIGHT).sum(1)  # of R R'
    truth = (np.square(LEFT.T @ change) * diagonal).sum()
    assert curvature.size([change, np.zeros(3, "float32")]) == pytest.approx(truth, rel=0.1)
