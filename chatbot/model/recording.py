"""Writes a network down as a list of array operations that NumPy alone can carry out.

TensorFlow follows each view of the network once, with inputs of any size, and what it saw is kept:
no second version of any layer is written by hand, and whoever only wants a reply needs no
TensorFlow. Read next: recorded.py, which carries the list out, and operations.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from chatbot.model.network import Seq2Seq
from chatbot.model.operations import ATTRIBUTES, MADE

_SAME = ("Identity", "ReadVariableOp", "StopGradient")  # hand on what they get
Recording: TypeAlias = dict[str, Any]
"""What JSON can hold: a program for each view of a network, by the view's name.

A program is `inputs`, how many it takes; `steps`, each [operation, inputs, number of outputs,
attributes]; and `outputs`. Values are numbered: the inputs first, then what the steps make. The
step `Weight` takes nothing and gives what is stored under its attribute `name`.
"""


def record(seq2seq: Seq2Seq, names: Sequence[str]) -> Recording:
    """Returns the three views as programs.

    Args:
        seq2seq: the network, on Keras' TensorFlow backend.
        names: what each of `seq2seq.training.weights` is called where it is stored.

    Raises:
        NotImplementedError: NumPy cannot do one of its operations yet.
    """
    weights = dict(zip((w.path for w in seq2seq.training.weights), names, strict=True))
    return {
        "encoder": _program_of(seq2seq.encoder, weights),
        "decoder_step": _program_of(seq2seq.decoder_step, weights),
        "training": _program_of(seq2seq.training, weights),
    }


def _program_of(model: Any, weights: Mapping[str, str]) -> Recording:
    import tensorflow as tf

    tensors = [tf.TensorSpec((None, *x.shape[1:]), x.dtype) for x in model.inputs]

    def run(*inputs: Any) -> Any:
        return model(list(inputs) if len(inputs) > 1 else inputs[0])

    graph = tf.function(run, tensors, autograph=False).get_concrete_function().graph
    names = {id(weight.value.handle): weights[weight.path] for weight in model.weights}
    writer = _Writer(graph)
    for tensor in graph.inputs[: len(tensors)]:
        writer.number(tensor)
    for outside, inside in graph.captures:
        writer.add("Weight", [], [inside], {"name": names[id(outside)]})
    return writer.program(len(tensors), graph.outputs)


class _Writer:
    """One graph as steps, each after those whose values it takes."""

    def __init__(self, graph: Any) -> None:
        self._graph, self._numbers, self._count = graph, dict[str, int](), 0
        self._steps: list[list[Any]] = []

    def program(self, inputs: int, outputs: Sequence[Any]) -> Recording:
        """Returns what leads to the outputs."""
        numbers = [self.number_of(tensor) for tensor in outputs]
        return {"inputs": inputs, "steps": self._steps, "outputs": numbers}

    def number(self, tensor: Any) -> None:
        """Gives a value the next number."""
        self._numbers[tensor.name] = self._count
        self._count += 1

    def number_of(self, tensor: Any) -> int:
        """Returns the number of a value, after all steps that lead to it."""
        waiting = [tensor.op]
        while waiting:  # no recursion: a network may be deep
            op = waiting[-1]
            left = [x.op for x in op.inputs if x.name not in self._numbers]
            if op.outputs[0].name in self._numbers:
                waiting.pop()
            elif left:
                waiting.extend(left)
            elif op.type in _SAME:
                self._numbers[op.outputs[0].name] = self._numbers[op.inputs[0].name]
            else:
                self.add(op.type, op.inputs, op.outputs, self._attributes(op))
        return self._numbers[tensor.name]

    def add(
        self, kind: str, inputs: Sequence[Any], outputs: Sequence[Any], attributes: Recording
    ) -> None:
        """Appends a step."""
        taken = [self._numbers[tensor.name] for tensor in inputs]
        self._steps.append([kind, taken, len(outputs), attributes])
        for tensor in outputs:
            self.number(tensor)

    def _attributes(self, op: Any) -> Recording:
        if op.type not in ATTRIBUTES:
            raise NotImplementedError(f"no NumPy for {op.type}: add it to operations.py")
        attributes = {name: self._plain(op.get_attr(name)) for name in ATTRIBUTES[op.type]}
        if op.type in MADE:
            MADE[op.type](**attributes)  # raises where it cannot be done with these
        return attributes

    def _plain(self, value: Any) -> Any:
        """Returns an attribute as JSON can hold it."""
        import tensorflow as tf

        if isinstance(value, tf.DType):
            return value.name
        if isinstance(value, bytes):
            return value.decode()
        if hasattr(value, "tensor_shape"):
            array = tf.make_ndarray(value)
            return {"dtype": array.dtype.name, "values": array.tolist()}
        return self._inner(value.name) if hasattr(value, "name") else value

    def _inner(self, name: str) -> Recording:
        """Returns the program of a function that a loop calls."""
        from tensorflow.python.framework.function_def_to_graph import function_def_to_graph

        library = self._graph.as_graph_def().library.function
        definition = next(f for f in library if f.signature.name == name)
        graph = function_def_to_graph(definition)
        writer = _Writer(self._graph)
        for tensor in graph.inputs:
            writer.number(tensor)
        return writer.program(len(graph.inputs), graph.outputs)
