"""What two versions of a network are compared by when a fix is verified: shapes, names, and every bit it computes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from nnlint.examine.modes import evaluating
from nnlint.examine.network import Traced, device_of
from nnlint.graph import Graph
from nnlint.inputs.template import leaves, tree_map
from nnlint.load.timing import TookTooLongError, time_limit
from nnlint.report.model import Proof

#: bytes of parameters and activations above which a network is not run with numbers
MOST_BYTES = 256 << 20
#: multiply-accumulates above which it would take too long
MOST_MACS = 2_000_000_000
#: seconds the runs may take
SECONDS = 15.0


def proof_of(traced: Traced, graph: Graph, rebuild: Callable[[], nn.Module] | None, *, numbers: bool = True) -> Proof:
    """What a network is compared by.

    Args:
        traced, graph: the network, and what was recorded of it.
        rebuild: builds it with real values.
        numbers: whether it is run with them; else only shapes and names are compared.
    """
    module = traced.module
    state = tuple(
        (name, tuple(value.shape) if isinstance(value, torch.Tensor) else (), str(getattr(value, "dtype", "")))
        for name, value in module.state_dict().items()
        if not nn.parameter.is_lazy(value)
    )
    proof = Proof(tuple(value.shape for value in graph.output.reads), state, guessed=graph.guessed)
    if not numbers:
        return proof
    size = 4 * graph.params + graph.activation_bytes
    if size > MOST_BYTES or graph.macs > MOST_MACS:
        return _unproven(proof, "it is too large to be run with numbers")
    if rebuild is None:
        return _unproven(proof, "it cannot be built with numbers")
    try:
        with time_limit(SECONDS):
            evaluation = _numbers(rebuild, traced, training=False)
    except (TookTooLongError, Exception) as error:  # whatever it is, there are no numbers to compare
        said = next(iter(str(error).splitlines()), "")
        return _unproven(proof, f"it does not run with numbers ({type(error).__name__}: {said})")
    try:
        with time_limit(SECONDS):
            training = _numbers(rebuild, traced, training=True)
    except (TookTooLongError, Exception):  # no gradients to compare: it only evaluates, or its training is broken
        training = None
    return replace(proof, evaluation=evaluation, training=training)


def _unproven(proof: Proof, why: str) -> Proof:
    return replace(proof, unproven=why)


def _numbers(rebuild: Callable[[], nn.Module], traced: Traced, *, training: bool) -> str:
    """A hash of what the network computes on seeded weights and inputs; in training of its gradients too."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = rebuild()
        args, kwargs = _real(traced.inputs.args), _real(traced.inputs.kwargs)
        if device_of(network) != "cpu":
            raise ValueError(f"it lives on {device_of(network)}")
        torch.manual_seed(1)
        with evaluating(network, training=training), torch.set_grad_enabled(training):
            outputs = [leaf for leaf in leaves(network(*args, **kwargs)) if isinstance(leaf, torch.Tensor)]
        digest = hashlib.sha256()
        _add(digest, outputs)
        if training:
            _backward(outputs)
            _add(digest, (p.grad for p in network.parameters() if p.grad is not None))
            _add(digest, network.buffers())
        return digest.hexdigest()


def _backward(outputs: Iterable[torch.Tensor]) -> None:
    """Gradients of a sum in which every output counts differently."""
    differentiable = [output for output in outputs if output.requires_grad]
    total = sum((output * torch.randn(output.shape)).sum() for output in differentiable)
    if isinstance(total, torch.Tensor):
        total.real.backward()


def _add(digest: Any, tensors: Iterable[torch.Tensor]) -> None:
    for tensor in tensors:
        plain = tensor.detach().resolve_conj().contiguous().cpu()
        digest.update(f"{tuple(plain.shape)} {plain.dtype}".encode())
        digest.update(plain.reshape(-1).view(torch.uint8).numpy().tobytes() if plain.numel() else b"")


def _real(tree: Any) -> Any:
    """Arguments with numbers: those there are, and seeded ones for tensors that were only shapes."""
    generator = torch.Generator().manual_seed(2)

    def leaf(value: Any) -> Any:
        if not isinstance(value, torch.Tensor):
            return value
        if value.device.type != "meta":
            return value.clone()
        if value.dtype.is_floating_point or value.dtype.is_complex:
            return torch.randn(value.shape, dtype=value.dtype, generator=generator)
        # of a vocabulary the first two words are sure to exist
        return torch.randint(0, 2, value.shape, dtype=torch.int64, generator=generator).to(value.dtype)

    return tree_map(leaf, tree)
