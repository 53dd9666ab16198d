"""Every spelling of an op leads to one name, and everything torch offers either has a name or a reason not to."""

from __future__ import annotations

import functools
import operator
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from nnlint import kinds
from nnlint.graph import Value
from nnlint.kinds import ALL, Kind
from nnlint.names import name_of_dotted
from nnlint.trace.names import class_path, dotted_path, module_name, op_name, spelling
from nnlint.trace.run import Run

#: what has no op name, and why. A new version of torch that brings more makes `test_everything_has_a_name` fail.
UNNAMED = {
    "composed of layers, which are named": """
        torch.nn.Container torch.nn.DataParallel torch.nn.Module torch.nn.ModuleDict torch.nn.ModuleList
        torch.nn.ParameterDict torch.nn.ParameterList torch.nn.RNNBase torch.nn.RNNCellBase torch.nn.Sequential
        torch.nn.Transformer torch.nn.TransformerDecoder torch.nn.TransformerDecoderLayer
        torch.nn.TransformerEncoder torch.nn.TransformerEncoderLayer""",
    "no operation but a value or an option": """
        torch.nn.Buffer torch.nn.Parameter torch.nn.UninitializedBuffer torch.nn.UninitializedParameter
        torch.nn.LinearCrossEntropyOptions""",
    "a helper that reached the namespace by import": """
        torch.nn.functional.assert_int_or_pair torch.nn.functional.boolean_dispatch
        torch.nn.functional.handle_torch_function torch.nn.functional.has_torch_function
        torch.nn.functional.has_torch_function_unary torch.nn.functional.has_torch_function_variadic
        torch.nn.functional.Optional""",
    "asks about a tensor and makes none": """
        torch.get_device torch.is_complex torch.is_conj torch.is_distributed torch.is_floating_point
        torch.is_inference torch.is_neg torch.is_same_size torch.is_signed torch.numel torch.result_type
        torch.Tensor.__array_priority__ torch.Tensor.__cuda_array_interface__ torch.Tensor.__dlpack__
        torch.Tensor.__dlpack_c_exchange_api__ torch.Tensor.__dlpack_device__ torch.Tensor.__format__
        torch.Tensor.__len__ torch.Tensor.__repr__ torch.Tensor.const_data_ptr torch.Tensor.data_ptr
        torch.Tensor.dense_dim torch.Tensor.device torch.Tensor.dim torch.Tensor.dim_order torch.Tensor.dtype
        torch.Tensor.element_size torch.Tensor.get_device torch.Tensor.grad_dtype torch.Tensor.grad_fn
        torch.Tensor.is_coalesced torch.Tensor.is_complex torch.Tensor.is_conj torch.Tensor.is_contiguous
        torch.Tensor.is_cpu torch.Tensor.is_cuda torch.Tensor.is_distributed torch.Tensor.is_floating_point
        torch.Tensor.is_inference torch.Tensor.is_ipu torch.Tensor.is_leaf torch.Tensor.is_maia torch.Tensor.is_meta
        torch.Tensor.is_mkldnn torch.Tensor.is_mps torch.Tensor.is_mtia torch.Tensor.is_neg torch.Tensor.is_nested
        torch.Tensor.is_pinned torch.Tensor.is_quantized torch.Tensor.is_same_size torch.Tensor.is_set_to
        torch.Tensor.is_shared torch.Tensor.is_signed torch.Tensor.is_sparse torch.Tensor.is_sparse_csr
        torch.Tensor.is_vulkan torch.Tensor.is_xla torch.Tensor.is_xpu torch.Tensor.itemsize torch.Tensor.layout
        torch.Tensor.name torch.Tensor.nbytes torch.Tensor.ndim torch.Tensor.ndimension torch.Tensor.nelement
        torch.Tensor.numel torch.Tensor.output_nr torch.Tensor.requires_grad torch.Tensor.retains_grad
        torch.Tensor.shape torch.Tensor.size torch.Tensor.sparse_dim torch.Tensor.storage
        torch.Tensor.storage_offset torch.Tensor.storage_type torch.Tensor.stride torch.Tensor.untyped_storage
        torch.Tensor.volatile torch.Tensor.names torch.Tensor.has_names""",
    "belongs to the backward pass": """
        torch.Tensor.backward torch.Tensor.grad torch.Tensor.register_hook torch.Tensor.reinforce
        torch.Tensor.register_post_accumulate_grad_hook torch.Tensor.retain_grad
        torch.batch_norm_backward_elemt torch.batch_norm_backward_reduce torch.mkldnn_linear_backward_weights""",
    "Python's object protocol": """
        torch.Tensor.__array_wrap__ torch.Tensor.__delattr__ torch.Tensor.__delitem__ torch.Tensor.__dir__
        torch.Tensor.__getattribute__ torch.Tensor.__getstate__ torch.Tensor.__hash__ torch.Tensor.__init__
        torch.Tensor.__init_subclass__ torch.Tensor.__long__ torch.Tensor.__new__ torch.Tensor.__reduce__
        torch.Tensor.__reduce_ex__ torch.Tensor.__setattr__ torch.Tensor.__setstate__ torch.Tensor.__sizeof__
        torch.Tensor.__str__ torch.Tensor.__subclasshook__ torch.Tensor.__torch_dispatch__
        torch.Tensor.__torch_function__ torch.Tensor.__dict__ torch.Tensor.__doc__ torch.Tensor.__module__
        torch.Tensor.__weakref__ torch.Tensor.__annotations__ torch.Tensor.__firstlineno__
        torch.Tensor.__static_attributes__ torch.Tensor.__class__""",
    "removed from torch: it only raises": "torch.symeig torch.Tensor.symeig",
    "first-class dimensions, a prototype of torch's": "torch.Tensor.index",
    "storage and streams, no values": """
        torch.Tensor.module_load torch.Tensor.record_stream torch.Tensor.sparse_resize_
        torch.Tensor.sparse_resize_and_clear_ torch.Tensor.slice_inverse torch.slice_inverse
        torch.to_dlpack torch.save torch.load torch.typename""",
    "named axes, which torch has given up": """
        torch.Tensor.align_as torch.Tensor.align_to torch.Tensor.refine_names torch.Tensor.rename
        torch.Tensor.rename_ torch.align_tensors""",
    "quantised arithmetic, made by conversion tools and not written in networks": """
        torch.choose_qparams_optimized torch.empty_quantized torch.fbgemm_linear_fp16_weight
        torch.fbgemm_linear_fp16_weight_fp32_activation torch.fbgemm_linear_int8_weight
        torch.fbgemm_linear_int8_weight_fp32_activation torch.fbgemm_linear_quantize_weight
        torch.fbgemm_pack_gemm_matrix_fp16 torch.fbgemm_pack_quantized_matrix torch.int_repr
        torch.q_per_channel_axis torch.q_per_channel_scales torch.q_per_channel_zero_points torch.q_scale
        torch.q_zero_point torch.quantized_batch_norm torch.quantized_gru torch.quantized_gru_cell
        torch.quantized_lstm torch.quantized_lstm_cell torch.quantized_max_pool1d torch.quantized_max_pool2d
        torch.quantized_max_pool3d torch.quantized_rnn_relu_cell torch.quantized_rnn_tanh_cell
        torch.Tensor.int_repr torch.Tensor.q_per_channel_axis torch.Tensor.q_per_channel_scales
        torch.Tensor.q_per_channel_zero_points torch.Tensor.q_scale torch.Tensor.q_zero_point
        torch.Tensor.qscheme""",
    "kernels of one backend, called by torch and not by networks": """
        torch.batch_norm_elemt torch.batch_norm_gather_stats torch.batch_norm_gather_stats_with_counts
        torch.batch_norm_stats torch.batch_norm_update_stats torch.convolution torch.cudnn_convolution
        torch.cudnn_convolution_add_relu torch.cudnn_convolution_relu torch.cudnn_convolution_transpose
        torch.embedding_renorm_ torch.miopen_convolution torch.miopen_convolution_add_relu
        torch.miopen_convolution_relu torch.miopen_convolution_transpose torch.miopen_ctc_loss
        torch.miopen_depthwise_convolution torch.miopen_rnn torch.mkldnn_adaptive_avg_pool2d
        torch.mkldnn_convolution torch.mkldnn_max_pool2d torch.mkldnn_max_pool3d torch.mkldnn_rnn_layer
        torch.cudnn_is_acceptable""",
    "numbers of the symbolic shape machinery": """
        torch.sym_constrain_range torch.sym_constrain_range_for_size torch.sym_float torch.sym_fresh_size
        torch.sym_int torch.sym_ite torch.sym_max torch.sym_min torch.sym_not torch.sym_sqrt torch.sym_sum""",
    "control flow and transformations: what they run is recorded": """
        torch.compile torch.cond torch.vmap torch.while_loop torch.fork torch.wait""",
}
#: functions of the torch module about the process, dtypes or scripts; whole families by their first word
PROCESS = (
    "are_", "autocast_",
    "can_cast", "classproperty", "clear_", "compiled_", "get_", "import_ir", "init_num", "initial_",
    "is_", "manual_seed", "merge_type", "parse_", "prepare_", "profiler_", "promote_", "seed", "set_", "thread_safe",
    "unify_", "use_", "broadcast_shapes", "read_vitals", "vitals_",
)  # fmt: skip

NAMESPACES: list[tuple[str, Any, Callable[[str, Any], bool]]] = [
    ("torch.nn", nn, lambda _, value: isinstance(value, type)),
    ("torch.nn.functional", F, lambda _, value: callable(value) and not isinstance(value, type)),
    ("torch", torch, lambda word, value: callable(value) and not isinstance(value, type) and not is_process(word)),
    ("torch.Tensor", torch.Tensor, lambda word, _: word[:2] == "__" or word[0] != "_"),
    ("torch.special", torch.special, lambda _, value: callable(value) and not isinstance(value, type)),
    ("torch.linalg", torch.linalg, lambda _, value: callable(value) and not isinstance(value, type)),
    ("torch.fft", torch.fft, lambda _, value: callable(value) and not isinstance(value, type)),
]


def is_process(word: str) -> bool:
    return word.startswith(PROCESS)


def unnamed(namespace: str, home: Any, counts: Callable[[str, Any], bool]) -> set[str]:
    words = (word for word in dir(home) if namespace == "torch.Tensor" or not word.startswith("_"))
    found = (word for word in words if counts(word, getattr(home, word, None)))
    return {f"{namespace}.{word}" for word in found if name_of_dotted(f"{namespace}.{word}") is None}


@pytest.mark.parametrize(("namespace", "home", "counts"), NAMESPACES, ids=[entry[0] for entry in NAMESPACES])
def test_everything_has_a_name(namespace: str, home: Any, counts: Callable[[str, Any], bool]) -> None:
    known = {path for paths in UNNAMED.values() for path in paths.split()}
    assert unnamed(namespace, home, counts) - known == set()


def test_what_is_said_to_have_no_name_has_none() -> None:
    named = {path for paths in UNNAMED.values() for path in paths.split() if name_of_dotted(path) is not None}
    assert named == set()


def test_every_function_torch_lets_a_recorder_see_is_found_by_its_path() -> None:
    """A live callable and the path it is documented under get the same name."""
    for namespace, home, _ in NAMESPACES[1:]:
        for word in dir(home):
            value = getattr(home, word, None)
            path = f"{namespace}.{word}"
            if callable(value) and not isinstance(value, type) and not word.startswith("__"):
                expected = name_of_dotted(path)
                if expected is not None:
                    assert name_of_dotted(dotted_path(value)) == expected, path


class Special(nn.Conv2d):
    """A user's own convolution."""


@pytest.mark.parametrize(
    ("name", "thing", "written"),
    [
        ("relu", F.relu, "F.relu"),
        ("relu", torch.relu, "torch.relu"),
        ("relu", torch.Tensor.relu_, "Tensor.relu_"),
        ("relu", torch.ops.aten.relu.default, "torch.relu"),
        ("relu", functools.partial(F.relu, inplace=True), "F.relu"),
        ("relu", nn.ReLU(), "nn.ReLU"),
        ("batch_norm", nn.BatchNorm1d(2), "nn.BatchNorm1d"),
        ("batch_norm", nn.SyncBatchNorm(2), "nn.SyncBatchNorm"),
        ("batch_norm", F.batch_norm, "F.batch_norm"),
        ("batch_norm", torch.batch_norm, "torch.batch_norm"),
        ("conv2d", Special(1, 1, 1), "Special"),
        ("conv2d", F.conv2d, "F.conv2d"),
        ("max_pool2d", F.max_pool2d, "F.max_pool2d"),
        ("max_pool2d", F.max_pool2d_with_indices, "F.max_pool2d_with_indices"),
        ("dropout2d", nn.Dropout2d(), "nn.Dropout2d"),
        ("add", torch.Tensor.__radd__, "Tensor.__radd__"),
        ("add", torch.Tensor.__iadd__, "Tensor.__iadd__"),
        ("add", operator.add, "operator.add"),
        ("sub", torch.Tensor.__rsub__, "Tensor.__rsub__"),
        ("div", torch.true_divide, "torch.true_divide"),
        ("matmul", torch.Tensor.__matmul__, "Tensor.__matmul__"),
        ("bitwise_not", torch.Tensor.__invert__, "Tensor.__invert__"),
        ("getitem", torch.Tensor.__getitem__, "Tensor.__getitem__"),
        ("permute", torch.Tensor.T.__get__, "Tensor.T"),
        ("transpose", torch.Tensor.mT.__get__, "Tensor.mT"),
        ("detach", torch.Tensor.data.__get__, "Tensor.data"),
        ("tensor_unfold", torch.Tensor.unfold, "Tensor.unfold"),
        ("unfold", F.unfold, "F.unfold"),
        ("sigmoid", torch.special.expit, "torch.special.expit"),
        ("norm", torch.linalg.norm, "torch.linalg.norm"),
        ("inverse", torch.linalg.inv, "torch.linalg.inv"),
        ("rfft", torch.fft.rfft, "torch.fft.rfft"),
        ("scaled_dot_product_attention", F.scaled_dot_product_attention, "F.scaled_dot_product_attention"),
        ("cross_entropy", nn.CrossEntropyLoss(), "nn.CrossEntropyLoss"),
        ("identity", nn.Identity(), "nn.Identity"),
        ("pad", nn.ReflectionPad2d(1), "nn.ReflectionPad2d"),
        ("interpolate", F.upsample, "F.upsample"),
    ],
)
def test_spellings(name: str, thing: Any, written: str) -> None:
    run = Run("op", module=thing) if isinstance(thing, nn.Module) else Run("op", function=thing)
    assert op_name(run) == name
    assert spelling(run) == written


def test_two_tensors_or_one() -> None:
    value = Value((2,), "float32", 8)
    assert op_name(Run("op", function=torch.max, reads=(value, value))) == "maximum"
    assert op_name(Run("op", function=torch.max, reads=(value,))) == "max"
    assert op_name(Run("op", function=torch.as_tensor, reads=(value,))) == "alias"
    assert op_name(Run("op", function=torch.as_tensor)) == "tensor"


@pytest.mark.parametrize(
    ("before", "after", "name"),
    [
        ("float32", "float16", "to"),
        ("float32", "int64", "cast_to_integer"),
        ("int32", "int64", "to"),
        ("int64", "bool", "cast_to_integer"),
        ("bool", "float32", "to"),
    ],
)
def test_a_cast_is_named_after_what_it_does(before: str, after: str, name: str) -> None:
    reads, values = (Value((2,), before, 8),), (Value((2,), after, 8),)
    assert op_name(Run("op", function=torch.Tensor.to, reads=reads, values=values)) == name
    assert op_name(Run("op", function=torch.Tensor.type_as, reads=reads, values=values)) == name


def test_unknown_callables_keep_their_path_and_are_in_no_kind() -> None:
    class Fold(torch.autograd.Function):
        pass

    class Block(nn.Module):
        pass

    for run in (Run("op", function=Fold), Run("op", function=Fold.apply), Run("op", module=Block())):
        name = op_name(run)
        assert "." in name
        assert name not in ~Kind(frozenset())
    assert name_of_dotted("torchvision.ops.nms") is None
    assert name_of_dotted("mine.relu") is None


def test_private_homes_of_layers_are_understood() -> None:
    assert class_path(nn.BCELoss) == "torch.nn.BCELoss"
    assert name_of_dotted("torch.nn.modules.loss.BCELoss") == "binary_cross_entropy"
    assert name_of_dotted("torch.functional.einsum") == "einsum"
    assert module_name(nn.LazyLinear) == "linear"


def test_kinds_hold_known_names_only_and_no_paths() -> None:
    every = [value for value in vars(kinds).values() if isinstance(value, Kind)]
    assert len(every) > 60
    assert frozenset().union(*(kind.names for kind in every)) == ALL
    assert not [name for name in ALL if "." in name]


def test_every_op_name_can_be_spelled() -> None:
    """No kind names an op that nothing is ever called (a rule asking for it could never fire)."""
    spelled = {name_of_dotted(f"{namespace}.{word}") for namespace, home, _ in NAMESPACES for word in dir(home)}
    extra = {
        "input", "output", "parameter", "constant",
        # what torch calls by private names, in other namespaces, or by the tensors it is given
        "weight_norm", "cast_to_integer", "maximum", "minimum", "flex_attention", "adaptive_log_softmax_with_loss",
        "grouped_mm", "scaled_mm", "scaled_grouped_mm", "linear_cross_entropy", "fill", "nested_tensor", "rms_norm",
        "pack_padded_sequence", "pad_packed_sequence", "pack_sequence", "pad_sequence", "unpack_sequence",
        "unpad_sequence", "alias", "hash_tensor",
    }  # fmt: skip
    assert ALL - spelled - extra == set()


@pytest.mark.parametrize(
    ("inside", "outside"),
    [
        (kinds.convolution, kinds.linear),
        (kinds.transposed_convolution, Kind.of("conv2d")),
        (kinds.weighted, kinds.normalisation),
        (kinds.nonlinear, kinds.linear | kinds.convolution | kinds.average_pooling | kinds.reshaping),
        (kinds.unit_interval, kinds.rectifier | Kind.of("tanh", "log_softmax")),
        (kinds.value_preserving, kinds.arithmetic | kinds.pooling | kinds.activation),
        (kinds.elementwise, kinds.softmax | kinds.normalisation | kinds.reduction | kinds.reshaping),
        (kinds.dropout, Kind.of("rrelu")),
        (kinds.loss, kinds.activation),
    ],
)
def test_kinds_that_exclude_each_other(inside: Kind, outside: Kind) -> None:
    assert not inside & outside


def test_a_misspelt_name_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ValueError, match="did you mean 'dropout'"):
        Kind.of("droput")


def test_names_and_kinds_import_no_torch() -> None:
    code = "import sys, nnlint.names, nnlint.kinds, nnlint.algorithms, nnlint.graph; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
