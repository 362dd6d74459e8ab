"""The papers' equations read with NumPy alone: one sentence, one step at a time, no batch, no mask.

Each function takes the weights of a preset's network by name, a source and the tokens so far, and
returns what the last decoding step makes. Row vectors throughout: the papers' W x is x @ W here.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Step(NamedTuple):
    """What a decoding step makes of one row."""

    states: list[np.ndarray]  # as the network's decoder keeps them
    context: np.ndarray  # c_t
    logits: np.ndarray
    weights: np.ndarray | None = None  # attention


class Weights:
    """The weights of a network, by the end of their path."""

    def __init__(self, network):
        self._by_path = {w.path: np.array(w, np.float64) for w in network.training.weights}

    def __getitem__(self, name):
        [path] = [path for path in self._by_path if f"/{path}".endswith(f"/{name}")]
        return self._by_path[path]

    def has(self, name):
        return any(f"/{path}".endswith(f"/{name}") for path in self._by_path)

    def cell(self, name):
        return self[f"{name}/kernel"], self[f"{name}/recurrent_kernel"], self[f"{name}/bias"]

    def vectors(self, ids, name="embedding"):
        """Word vectors e(y), multiplied by the root of their width as everywhere here."""
        table = self[f"{name}/embeddings"]
        return table[ids] * np.sqrt(table.shape[1])

    def of_source(self, ids):
        """The vectors of a source that has a table of its own."""
        return self.vectors(ids, "source_embedding")

    def project(self, features):
        """The output matrix and its bias."""
        name = next(n for n in ("output/kernel", "embedding/reverse_embeddings",
                                "embedding/embeddings") if self.has(n))  # fmt: skip
        matrix = self[name].T if name.endswith("/embeddings") else self[name]
        return features @ matrix + self["output_bias/bias"]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def rnn(cell, x, h):
    """h_t = tanh(W x_t + U h_t-1 + b) (after Elman 1990)."""
    w, u, b = cell
    return np.tanh(x @ w + h @ u + b)


def lstm(cell, x, state):
    """Graves 2013 (arXiv:1308.0850), equations 7 to 11 without peepholes, as in Sutskever 2014.

    i, f, o = sigmoid(..); c_t = f c_t-1 + i tanh(..); h_t = o tanh(c_t).
    """
    w, u, b = cell
    h, c = state
    i, f, g, o = np.split(x @ w + h @ u + b, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def gru_cho(cell, x, h):
    """Cho et al. 2014, equations 5 to 8: r, z; h~ = tanh(W x + U (r h)); h = z h + (1 - z) h~."""
    w, u, b = cell
    (wz, wr, wh), (uz, ur, uh), (bz, br, bh) = (np.split(p, 3, -1) for p in (w, u, b))
    z, r = sigmoid(x @ wz + h @ uz + bz), sigmoid(x @ wr + h @ ur + br)
    return z * h + (1 - z) * np.tanh(x @ wh + (r * h) @ uh + bh)


def gru_bahdanau(cell, x, s):
    """Bahdanau et al. 2015, appendix A.1.1 and A.2.2: s_i = (1 - z_i) s_i-1 + z_i s~_i.

    Its gate z is one minus Cho's: the weights of the gate have the opposite sign.
    """
    w, u, b = (part.copy() for part in cell)
    units = u.shape[0]
    w[:, :units], u[:, :units], b[:units] = -w[:, :units], -u[:, :units], -b[:units]
    z = sigmoid(x @ w[:, :units] + s @ u[:, :units] + b[:units])
    r = sigmoid(x @ w[:, units : 2 * units] + s @ u[:, units : 2 * units] + b[units : 2 * units])
    candidate = np.tanh(x @ w[:, 2 * units :] + (r * s) @ u[:, 2 * units :] + b[2 * units :])
    return (1 - z) * s + z * candidate


def gru_torch(cell, x, h):
    """Dive into Deep Learning 10.2, equations 10.2.1 to 10.2.4, as its library computes them.

    H~ = tanh(X W + b + R * (H W' + b')), H = Z * H + (1 - Z) * H~.
    """
    w, u, (b, d) = cell
    (wz, wr, wh), (uz, ur, uh) = np.split(w, 3, -1), np.split(u, 3, -1)
    (bz, br, bh), (dz, dr, dh) = np.split(b, 3), np.split(d, 3)
    z, r = sigmoid(x @ wz + bz + h @ uz + dz), sigmoid(x @ wr + br + h @ ur + dr)
    return z * h + (1 - z) * np.tanh(x @ wh + bh + r * (h @ uh + dh))


def read(step, cell, vectors, state):
    """Runs a cell over the vectors; returns every state."""
    states = []
    for vector in vectors:
        state = step(cell, vector, state)
        states.append(state)
    return states


def zeros(cell):
    return np.zeros(cell[1].shape[0])


def maxout(weights, features):
    """t_j = max(t~_2j-1, t~_2j) (Bahdanau et al. 2015, A.2.2; Cho et al. 2014, A.2)."""
    pairs = features @ weights["readout_pairs/kernel"] + weights["readout_pairs/bias"]
    return pairs.reshape(-1, 2).max(1)


def rnn_basic(w, source, tokens):
    """Two plain networks, the second begun with the last state of the first."""
    encoder, decoder = w.cell("encoder_0_cell"), w.cell("decoder_0_cell")
    summary = read(rnn, encoder, w.of_source(source), zeros(encoder))[-1]
    s = read(rnn, decoder, w.vectors(tokens), summary)[-1]
    return Step([s], summary, w.project(s))


def cho2014(w, source, tokens):
    """Equations 5 to 8: c = h_N; h'_0 = tanh(V' c); h'_t = f(h'_t-1, y_t-1, c).

    Appendix A.2, the output by maxout: s' = O_h h'_t + O_y y_t-1 + O_c c, maxima times G.
    """
    encoder, decoder = w.cell("encoder_0_cell"), w.cell("decoder_0_cell")
    c = read(gru_cho, encoder, w.of_source(source), zeros(encoder))[-1]
    h = np.tanh(c @ w["bridge_0/kernel"] + w["bridge_0/bias"])
    for y in w.vectors(tokens):
        h = gru_cho(decoder, np.concatenate([y, c]), h)
    return Step([h, c], c, w.project(maxout(w, np.concatenate([c, h, y]))))


def sutskever2014(w, source, tokens):
    """Section 2: deep LSTMs, x reversed; the decoder begins with the encoder's h and c."""
    vectors, states = w.of_source(source[::-1]), []
    for depth in range(4):
        cell = w.cell(f"encoder_{depth}_cell")
        seen = read(lstm, cell, vectors, (zeros(cell), zeros(cell)))
        vectors = [h for h, _ in seen]
        states.append(seen[-1])
    summary = states[-1][0]
    for vector in w.vectors(tokens):
        for depth in range(4):
            states[depth] = lstm(w.cell(f"decoder_{depth}_cell"), vector, states[depth])
            vector = states[depth][0]
    return Step([part for state in states for part in state], summary, w.project(vector))


def bahdanau2015(w, source, tokens):
    """Equations 4 to 7 and appendix A.

    e_ij = v' tanh(W_a s_i-1 + U_a h_j), a = softmax(e), c_i = sum_j a_ij h_j,
    s_i = f(s_i-1, y_i-1, c_i), t~ = U_o s + V_o E y_i-1 + C_o c_i, p = softmax(W_o t).
    """
    forward, backward = (w.cell(f"{way}_encoder_0/gru_cell") for way in ("forward", "backward"))
    vectors = w.of_source(source)
    right = read(gru_bahdanau, forward, vectors, zeros(forward))
    left = read(gru_bahdanau, backward, vectors[::-1], zeros(backward))[::-1]
    h = np.concatenate([right, left], axis=1)
    s = np.tanh(np.concatenate([right[-1], left[0]]) @ w["bridge_0/kernel"] + w["bridge_0/bias"])
    for y in w.vectors(tokens):
        hidden = np.tanh(s @ w["attention_query/kernel"] + h @ w["attention_memory/kernel"])
        a = softmax(hidden @ w["attention_score/kernel"][:, 0])
        c = a @ h
        s = gru_bahdanau(w.cell("decoder_0_cell"), np.concatenate([y, c]), s)
    return Step([s], c, w.project(maxout(w, np.concatenate([c, s, y]))), a)


def shang2015(w, source, tokens):
    """The hybrid scheme: c_t = sum_j a_tj [h_j; h_T], h_T the last state; else as Bahdanau's."""
    encoder, decoder = w.cell("encoder_0_cell"), w.cell("decoder_0_cell")
    h = np.array(read(gru_bahdanau, encoder, w.of_source(source), zeros(encoder)))
    both = np.concatenate([h, np.repeat(h[-1:], len(h), axis=0)], axis=1)
    s = np.tanh(h[-1] @ w["bridge_0/kernel"] + w["bridge_0/bias"])
    for y in w.vectors(tokens):
        hidden = np.tanh(s @ w["attention_query/kernel"] + h @ w["attention_memory/kernel"])
        a = softmax(hidden @ w["attention_score/kernel"][:, 0])
        c = a @ both
        s = gru_bahdanau(decoder, np.concatenate([y, c]), s)
    return Step([s], c, w.project(maxout(w, np.concatenate([c, s, y]))), a)


def luong2015(w, source, tokens):
    """Equations 5 to 7 with "general" scores and input feeding (section 3.3).

    a_t(s) = softmax(h_t' W_a h_s), c_t = sum a_t(s) h_s, h~_t = tanh(W_c [c_t; h_t]); the next
    input is [y_t; h~_t].
    """
    vectors, states = w.of_source(source[::-1]), []
    for depth in range(2):
        cell = w.cell(f"encoder_{depth}_cell")
        seen = read(lstm, cell, vectors, (zeros(cell), zeros(cell)))
        vectors = [h for h, _ in seen]
        states.append(seen[-1])
    h_s = np.array(vectors)[::-1]  # in the order of the source
    fed = np.zeros(w["readout/kernel"].shape[1])
    for y in w.vectors(tokens):
        vector = np.concatenate([y, fed])
        for depth in range(2):
            states[depth] = lstm(w.cell(f"decoder_{depth}_cell"), vector, states[depth])
            vector = states[depth][0]
        a = softmax((h_s @ w["attention_key/kernel"]) @ vector)
        c = a @ h_s
        fed = np.tanh(np.concatenate([c, vector]) @ w["readout/kernel"] + w["readout/bias"])
    return Step([*(part for state in states for part in state), fed], c, w.project(fed), a)


def d2l(w, source, tokens):
    """Section 10.7.3: the context, the last layer's last state, is joined to every input."""
    vectors, states = w.of_source(source), []
    for depth in range(2):
        cell = w.cell(f"encoder_{depth}_cell")
        vectors = read(gru_torch, cell, vectors, zeros(cell))
        states.append(vectors[-1])
    c = states[-1]
    for y in w.vectors(tokens):
        vector = np.concatenate([y, c])
        for depth in range(2):
            states[depth] = vector = gru_torch(w.cell(f"decoder_{depth}_cell"), vector,
                                               states[depth])  # fmt: skip
    return Step([*states, c], c, w.project(vector))


def cnn2017(w, source, tokens):
    """Section 2 and 3: e_j = w_j + l_j; z = CNN-a(e); c_i = sum_j a_ij CNN-c(e)_j (section 3.2).

    a_ij = softmax(d_i . z_j), d_i = W_d h_i; layers are tanh(conv(x) + x), zero outside.
    """
    e = w.of_source(source) + w["encoder_positions/table"][: len(source)]

    def stack(name):
        x, depth = e, 0
        while w.has(f"{name}_{depth}/kernel"):
            kernel, bias = w[f"{name}_{depth}/kernel"], w[f"{name}_{depth}/bias"]
            padded = np.pad(x, [(1, 1), (0, 0)])
            conv = [sum(padded[j + k] @ kernel[k] for k in range(3)) + bias for j in range(len(x))]
            x, depth = np.tanh(np.array(conv) + x), depth + 1
        return x

    z, values = stack("keys"), stack("values")
    mean = values.mean(0)
    h, c = (np.tanh(mean @ w[f"bridge_{i}/kernel"] + w[f"bridge_{i}/bias"]) for i in range(2))
    for g in w.vectors(tokens):
        a = softmax((z @ w["attention_key/kernel"]) @ h)
        context = a @ values
        h, c = lstm(w.cell("decoder_0_cell"), np.concatenate([g, context]), (h, c))
    return Step([h, c], context, w.project(h), a)


def transformer2017(w, source, tokens):
    """Equations 1 and 2, sections 3.1 to 3.5; post-norm, two heads, two layers each."""
    heads = 2

    def positions(count, width):
        p, i = np.arange(count)[:, None], np.arange(width)[None] // 2
        angle = p / 10_000 ** (2 * i / width)
        return np.where(np.arange(width) % 2, np.cos(angle), np.sin(angle))

    def norm(x, name):
        spread = np.sqrt(x.var(-1, keepdims=True) + 1e-6)
        return (x - x.mean(-1, keepdims=True)) / spread * w[f"{name}/gamma"] + w[f"{name}/beta"]

    def attention(q, k, v, name, allowed):
        """Attention(Q, K, V) = softmax(Q K' / sqrt(d_k)) V in each head, joined, times W_O."""
        q, k, v = (x @ w[f"{name}_{p}/kernel"] for x, p in ((q, "query"), (k, "key"), (v, "value")))
        found, weights = [], []
        for qh, kh, vh in zip(*(np.split(x, heads, -1) for x in (q, k, v)), strict=True):
            scores = np.where(allowed, qh @ kh.T / np.sqrt(qh.shape[1]), -np.inf)
            weights.append(softmax(scores))
            found.append(weights[-1] @ vh)
        out = np.concatenate(found, -1) @ w[f"{name}_output/kernel"]
        return out, np.mean(weights, 0), (v, k)

    def feed_forward(x, name):
        inner = np.maximum(0, x @ w[f"{name}_inner/kernel"] + w[f"{name}_inner/bias"])
        return inner @ w[f"{name}_outer/kernel"] + w[f"{name}_outer/bias"]

    x = w.vectors(source)
    x = x + positions(*x.shape)
    for depth in range(2):
        name = f"encoder_{depth}"
        x = norm(x + attention(x, x, x, f"{name}_self", True)[0], f"{name}_norm_0")
        x = norm(x + feed_forward(x, name), f"{name}_norm_1")
    y = w.vectors(tokens)
    y, states = y + positions(*y.shape), []
    causal = np.tril(np.ones((len(tokens), len(tokens)), bool))
    for depth in range(2):
        name = f"decoder_{depth}"
        found, _, kept = attention(y, y, y, f"{name}_self", causal)
        states += kept
        y = norm(y + found, f"{name}_norm_0")
        context, a, _ = attention(y, x, x, f"{name}_source", True)
        y = norm(y + context, f"{name}_norm_1")
        y = norm(y + feed_forward(y, name), f"{name}_norm_2")
    return Step(states, context[-1], w.project(y[-1]), a[-1])


def default(w, source, tokens):
    """Luong et al. 2015, equation 7 with "dot" scores; Shang et al. 2015: c_t = [.; q].

    q = sum_s h_s / root of S; the source has word vectors of its own. The output is Cho et al.
    2014, appendix A.2, of state, last token and context, by maxout.
    """
    forward, backward = (w.cell(f"{way}_encoder_0/gru_cell") for way in ("forward", "backward"))
    vectors = w.of_source(source)
    right = read(gru_torch, forward, vectors, zeros(forward))
    left = read(gru_torch, backward, vectors[::-1], zeros(backward))[::-1]
    h_s = np.concatenate([right, left], axis=1)
    q = h_s.sum(0) / np.sqrt(len(h_s))
    h = np.tanh(q @ w["bridge_0/kernel"] + w["bridge_0/bias"])
    y = w.vectors(tokens)
    h = read(gru_torch, w.cell("decoder_0_cell"), y, h)[-1]
    a = softmax(h_s @ h)
    c = np.concatenate([a @ h_s, q])
    return Step([h], c, w.project(maxout(w, np.concatenate([c, h, y[-1]]))), a)


READINGS = {
    "rnn-basic": rnn_basic,
    "cho2014": cho2014,
    "sutskever2014": sutskever2014,
    "bahdanau2015": bahdanau2015,
    "shang2015": shang2015,
    "luong2015": luong2015,
    "d2l": d2l,
    "cnn2017": cnn2017,
    "transformer2017": transformer2017,
    "default": default,
}
