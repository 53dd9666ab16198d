"""One name an op, whatever its spelling: from the dotted path of a callable to the op name of `nnlint.kinds`.

No torch here: the source reader names the losses of a script with this, and `nnlint.trace.names` finds the dotted path
of a live callable and asks here.

The rule is that torch's own name is the op's name, in every namespace, with or without the underscore of the in-place
form. The tables hold what the rule does not give: layers, synonyms, and words that mean different things in different
namespaces.
"""

from __future__ import annotations

import difflib
from functools import cache

from nnlint.errors import UsageError
from nnlint.kinds import ALL, boundary, classification_loss, loss

#: where torch keeps its functions → the namespace they are documented in
_HOMES = {
    "torch.functional": "torch",
    "torch._C._VariableFunctions": "torch",
    "torch._VariableFunctionsClass": "torch",
    "torch._VF": "torch",
    "torch._linalg_utils": "torch",
    "torch.utils.dlpack": "torch",
    "torch._lobpcg": "torch",
    "torch._lowrank": "torch",
    "torch.ops.aten": "torch",
    "torch._C._nn": "torch.nn.functional",
    "torch._tensor.Tensor": "torch.Tensor",
    "torch._tensor.TensorBase": "torch.Tensor",
    "torch._C.TensorBase": "torch.Tensor",
    "torch._C._TensorBase": "torch.Tensor",
    "torch._C._special": "torch.special",
    "torch._C._linalg": "torch.linalg",
    "torch._C._fft": "torch.fft",
    "_operator": "operator",
    "torch.nn.attention.flex_attention": "torch.nn.functional",
}
_PREFIXED = frozenset({"torch.special", "torch.linalg", "torch.fft"})
_NAMESPACES = _PREFIXED | {
    "torch",
    "torch.nn.functional",
    "torch.Tensor",
    "torch.nn.utils.rnn",
    "torch.nn.init",
    "operator",
}

#: layers of torch.nn, by the op they run
_LAYERS = {
    "relu": "ReLU",
    "relu6": "ReLU6",
    "leaky_relu": "LeakyReLU",
    "prelu": "PReLU",
    "rrelu": "RReLU",
    "elu": "ELU",
    "celu": "CELU",
    "selu": "SELU",
    "gelu": "GELU",
    "silu": "SiLU",
    "mish": "Mish",
    "hardswish": "Hardswish",
    "hardsigmoid": "Hardsigmoid",
    "hardtanh": "Hardtanh",
    "glu": "GLU",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "softplus": "Softplus",
    "softsign": "Softsign",
    "softshrink": "Softshrink",
    "hardshrink": "Hardshrink",
    "tanhshrink": "Tanhshrink",
    "threshold": "Threshold",
    "logsigmoid": "LogSigmoid",
    "softmax": "Softmax Softmax2d",
    "softmin": "Softmin",
    "log_softmax": "LogSoftmax",
    "conv1d": "Conv1d LazyConv1d",
    "conv2d": "Conv2d LazyConv2d",
    "conv3d": "Conv3d LazyConv3d",
    "conv_transpose1d": "ConvTranspose1d LazyConvTranspose1d",
    "conv_transpose2d": "ConvTranspose2d LazyConvTranspose2d",
    "conv_transpose3d": "ConvTranspose3d LazyConvTranspose3d",
    "linear": "Linear LazyLinear NonDynamicallyQuantizableLinear",
    "bilinear": "Bilinear",
    "embedding": "Embedding",
    "embedding_bag": "EmbeddingBag",
    "lstm": "LSTM",
    "gru": "GRU",
    "rnn": "RNN",
    "lstm_cell": "LSTMCell",
    "gru_cell": "GRUCell",
    "rnn_cell": "RNNCell",
    "multi_head_attention": "MultiheadAttention",
    "batch_norm": "BatchNorm1d BatchNorm2d BatchNorm3d SyncBatchNorm LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d",
    "instance_norm": (
        "InstanceNorm1d InstanceNorm2d InstanceNorm3d LazyInstanceNorm1d LazyInstanceNorm2d LazyInstanceNorm3d"
    ),
    "layer_norm": "LayerNorm",
    "rms_norm": "RMSNorm",
    "group_norm": "GroupNorm",
    "local_response_norm": "LocalResponseNorm CrossMapLRN2d",
    "dropout": "Dropout",
    "dropout1d": "Dropout1d",
    "dropout2d": "Dropout2d",
    "dropout3d": "Dropout3d",
    "alpha_dropout": "AlphaDropout",
    "feature_alpha_dropout": "FeatureAlphaDropout",
    "max_pool1d": "MaxPool1d",
    "max_pool2d": "MaxPool2d",
    "max_pool3d": "MaxPool3d",
    "avg_pool1d": "AvgPool1d",
    "avg_pool2d": "AvgPool2d",
    "avg_pool3d": "AvgPool3d",
    "lp_pool1d": "LPPool1d",
    "lp_pool2d": "LPPool2d",
    "lp_pool3d": "LPPool3d",
    "adaptive_max_pool1d": "AdaptiveMaxPool1d",
    "adaptive_max_pool2d": "AdaptiveMaxPool2d",
    "adaptive_max_pool3d": "AdaptiveMaxPool3d",
    "adaptive_avg_pool1d": "AdaptiveAvgPool1d",
    "adaptive_avg_pool2d": "AdaptiveAvgPool2d",
    "adaptive_avg_pool3d": "AdaptiveAvgPool3d",
    "fractional_max_pool2d": "FractionalMaxPool2d",
    "fractional_max_pool3d": "FractionalMaxPool3d",
    "max_unpool1d": "MaxUnpool1d",
    "max_unpool2d": "MaxUnpool2d",
    "max_unpool3d": "MaxUnpool3d",
    "interpolate": "Upsample UpsamplingBilinear2d UpsamplingNearest2d",
    "pixel_shuffle": "PixelShuffle",
    "pixel_unshuffle": "PixelUnshuffle",
    "channel_shuffle": "ChannelShuffle",
    "pad": (
        "ZeroPad1d ZeroPad2d ZeroPad3d ConstantPad1d ConstantPad2d ConstantPad3d ReflectionPad1d ReflectionPad2d "
        "ReflectionPad3d ReplicationPad1d ReplicationPad2d ReplicationPad3d CircularPad1d CircularPad2d CircularPad3d"
    ),
    "identity": "Identity",
    "flatten": "Flatten",
    "unflatten": "Unflatten",
    "fold": "Fold",
    "unfold": "Unfold",
    "cosine_similarity": "CosineSimilarity",
    "pairwise_distance": "PairwiseDistance",
    "cross_entropy": "CrossEntropyLoss",
    "nll_loss": "NLLLoss NLLLoss2d",
    "linear_cross_entropy": "LinearCrossEntropyLoss",
    "binary_cross_entropy": "BCELoss",
    "binary_cross_entropy_with_logits": "BCEWithLogitsLoss",
    "mse_loss": "MSELoss",
    "l1_loss": "L1Loss",
    "smooth_l1_loss": "SmoothL1Loss",
    "huber_loss": "HuberLoss",
    "kl_div": "KLDivLoss",
    "ctc_loss": "CTCLoss",
    "poisson_nll_loss": "PoissonNLLLoss",
    "gaussian_nll_loss": "GaussianNLLLoss",
    "soft_margin_loss": "SoftMarginLoss",
    "cosine_embedding_loss": "CosineEmbeddingLoss",
    "hinge_embedding_loss": "HingeEmbeddingLoss",
    "margin_ranking_loss": "MarginRankingLoss",
    "multi_margin_loss": "MultiMarginLoss",
    "multilabel_margin_loss": "MultiLabelMarginLoss",
    "multilabel_soft_margin_loss": "MultiLabelSoftMarginLoss",
    "triplet_margin_loss": "TripletMarginLoss",
    "triplet_margin_with_distance_loss": "TripletMarginWithDistanceLoss",
    "adaptive_log_softmax_with_loss": "AdaptiveLogSoftmaxWithLoss",
}

#: other words for the same op, in whatever namespace they occur
_SYNONYMS = {
    "pack_padded_sequence": "_pack_padded_sequence",
    "pad_packed_sequence": "_pad_packed_sequence",
    "alias": "lift_fresh",
    "log_softmax": "_log_softmax",
    "softmax": "_softmax",
    "grouped_mm": "_grouped_mm",
    "scaled_mm": "_scaled_mm",
    "weight_norm": "_weight_norm _weight_norm_interface",
    "clone": "__deepcopy__",
    "unbind": "__iter__",
    "householder_product": "orgqr",
    "abs": "absolute __abs__",
    "acos": "arccos",
    "acosh": "arccosh",
    "asin": "arcsin",
    "asinh": "arcsinh",
    "atan": "arctan",
    "atanh": "arctanh",
    "atan2": "arctan2",
    "trunc": "fix",
    "round": "rint",
    "neg": "negative __neg__",
    "sign": "sgn",
    "clamp": "clip clamp_min clamp_max",
    "add": "__add__ __radd__ __iadd__ iadd",
    "sub": "subtract rsub __sub__ __rsub__ __isub__ isub",
    "mul": "multiply __mul__ __rmul__ __imul__ imul",
    "div": "divide true_divide truediv itruediv __div__ __rdiv__ __idiv__ __truediv__ __rtruediv__ __itruediv__",
    "floor_divide": "floordiv ifloordiv __floordiv__ __rfloordiv__ __ifloordiv__",
    "remainder": "mod imod __mod__ __rmod__ __imod__",
    "pow": "float_power ipow __pow__ __rpow__ __ipow__",
    "matmul": "imatmul __matmul__ __rmatmul__ __imatmul__",
    "bitwise_and": "and_ iand __and__ __rand__ __iand__",
    "bitwise_or": "or_ ior __or__ __ror__ __ior__",
    "bitwise_xor": "xor ixor __xor__ __rxor__ __ixor__",
    "bitwise_left_shift": "lshift ilshift __lshift__ __rlshift__ __ilshift__",
    "bitwise_right_shift": "rshift irshift __rshift__ __rrshift__ __irshift__",
    "bitwise_not": "invert inv __invert__",
    "positive": "pos __pos__",
    "eq": "__eq__",
    "ne": "__ne__ not_equal",
    "lt": "__lt__ less",
    "le": "__le__ less_equal",
    "gt": "__gt__ greater",
    "ge": "__ge__ greater_equal",
    "getitem": "slice_copy __getitem__",
    "setitem": "__setitem__",
    "cat": "concat concatenate",
    "vstack": "row_stack",
    "outer": "ger",
    "dot": "vdot",
    "norm": "norm_except_dim frobenius_norm nuclear_norm native_norm",
    "transpose": "t swapaxes swapdims mT matrix_transpose",
    "permute": "T",
    "adjoint": "H mH",
    "movedim": "moveaxis",
    "view": "view_as _unsafe_view _reshape_alias",
    "reshape": "reshape_as",
    "flatten": "ravel",
    "expand": "expand_as",
    "flip": "fliplr flipud __reversed__",
    "logsumexp": "_log_sum_exp",
    "split": "split_with_sizes unsafe_split unsafe_split_with_sizes hsplit vsplit dsplit",
    "chunk": "unsafe_chunk",
    "gammainc": "igamma",
    "gammaincc": "igammac",
    "lgamma": "gammaln",
    "digamma": "psi",
    "mvlgamma": "multigammaln",
    "sigmoid": "expit",
    "trapezoid": "trapz",
    "conj": "conj_physical",
    "to": (
        "_to_copy cpu cuda xpu ipu hpu mtia float double half bfloat16 type type_as cfloat cdouble chalf to_mkldnn "
        "pin_memory as_subclass share_memory_"
    ),
    "cast_to_integer": "bool byte char short int long",
    "item": "__bool__ __float__ __int__ __index__ __complex__ __nonzero__ is_nonzero __contains__",
    "tolist": "__array__",
    "detach": "data",
    "nonzero": "nonzero_static",
    "window": "bartlett_window blackman_window hamming_window hann_window kaiser_window",
    "zeros": "zeros_like new_zeros",
    "ones": "ones_like new_ones",
    "full": "full_like new_full",
    "empty": "empty_like empty_strided empty_permuted new_empty new_empty_strided",
    "rand": "rand_like",
    "randn": "randn_like",
    "randint": "randint_like",
    "tensor": "as_tensor asarray from_numpy scalar_tensor new_tensor new frombuffer from_file from_dlpack",
    "arange": "range",
    "identity": "requires_grad_",
    "fill": "zero_",
    "copy": "copy_ map_ map2_ apply_",
    "set_data": "set_",
    "resize": "resize_as resize_as_sparse",
    "pad": "constant_pad_nd",
    "interpolate": "upsample upsample_bilinear upsample_nearest",
    "batch_norm": "native_batch_norm cudnn_batch_norm miopen_batch_norm _batch_norm_impl_index",
    "layer_norm": "native_layer_norm",
    "group_norm": "native_group_norm",
    "dropout": "native_dropout",
    "channel_shuffle": "native_channel_shuffle",
    "rms_norm": "_fused_rms_norm",
    "dropout2d": "feature_dropout",
    "grid_sample": "cudnn_grid_sampler grid_sampler grid_sampler_2d grid_sampler_3d",
    "affine_grid": "affine_grid_generator cudnn_affine_grid_generator",
    "rnn": "rnn_tanh rnn_relu",
    "rnn_cell": "rnn_tanh_cell rnn_relu_cell",
    "multi_head_attention": "multi_head_attention_forward",
    "max_pool1d": "max_pool1d_with_indices",
    "max_pool2d": "max_pool2d_with_indices",
    "max_pool3d": "max_pool3d_with_indices",
    "adaptive_max_pool1d": "adaptive_max_pool1d_with_indices",
    "adaptive_max_pool2d": "adaptive_max_pool2d_with_indices",
    "adaptive_max_pool3d": "adaptive_max_pool3d_with_indices",
    "local_response_norm": "cross_map_lrn2d",
    "fractional_max_pool2d": "fractional_max_pool2d_with_indices",
    "fractional_max_pool3d": "fractional_max_pool3d_with_indices",
    "mm": "smm spmm hspmm dsmm hsmm",
    "addmm": "sspaddmm saddmm",
    "logsigmoid": "log_sigmoid",
    "quantize": "quantize_per_tensor quantize_per_channel quantize_per_tensor_dynamic",
    "fake_quantize": "fake_quantize_per_tensor_affine fake_quantize_per_channel_affine fused_moving_avg_obs_fake_quant",
    "to_sparse": "to_sparse_coo to_sparse_csr to_sparse_csc to_sparse_bsr to_sparse_bsc",
    "sparse_tensor": (
        "sparse_coo_tensor sparse_csr_tensor sparse_csc_tensor sparse_bsr_tensor sparse_bsc_tensor "
        "sparse_compressed_tensor"
    ),
    "sparse_parts": "indices values crow_indices col_indices ccol_indices row_indices",
    "orthogonal_polynomial": (
        "chebyshev_polynomial_t chebyshev_polynomial_u chebyshev_polynomial_v chebyshev_polynomial_w "
        "hermite_polynomial_h hermite_polynomial_he laguerre_polynomial_l legendre_polynomial_p "
        "shifted_chebyshev_polynomial_t shifted_chebyshev_polynomial_u shifted_chebyshev_polynomial_v "
        "shifted_chebyshev_polynomial_w"
    ),
    "sum": "sum_to_size",
    "tensor_unfold": "unfold_copy",
    "unfold": "im2col",
    "fold": "col2im",
}

#: words that mean another op in this namespace than they do elsewhere
_BY_PATH = {
    "torch.Tensor.unfold": "tensor_unfold",
    "torch.ops.aten.unfold": "tensor_unfold",
    "torch.linalg.inv": "inverse",
    "torch.linalg.pinv": "pinverse",
    "torch.linalg.cond": "matrix_cond",
    "torch.cond": None,
    "torch.nn.functional._threshold": "threshold",
    "torch.nn.init.constant_": "fill",
    "torch.nn.init.kaiming_uniform_": "uniform",
}


def _by_spelling(table: dict[str, str]) -> dict[str, str]:
    return {spelling: name for name, spellings in table.items() for spelling in spellings.split()}


_OF_LAYER = _by_spelling(_LAYERS)
_OF_WORD = {name: name for name in ALL - boundary.names} | _by_spelling(_SYNONYMS)


@cache
def public_path(dotted: str) -> str:
    """The path a callable of torch is documented under: ``torch.nn.modules.conv.Conv2d`` is ``torch.nn.Conv2d``."""
    if not dotted.startswith(("torch.", "_operator.")):
        return dotted
    namespace, _, word = dotted.rpartition(".")
    if namespace.startswith("torch.nn.modules."):
        return f"torch.nn.{word}"
    home = _HOMES.get(namespace, namespace)
    if home in _PREFIXED:  # torch keeps torch.linalg.norm as linalg_norm
        word = word.removeprefix(home.rpartition(".")[2] + "_")
    return f"{home}.{word}"


@cache
def name_of_dotted(dotted: str) -> str | None:
    """The op name of a callable given by its full dotted path, or None if nnlint has no name for it.

    Layers (``torch.nn.BCELoss``), functions (``torch.sigmoid``, ``torch.nn.functional.relu_``), tensor methods
    (``torch.Tensor.__radd__``) and `operator` functions have names; private homes of torch's are understood.
    """
    if dotted in _BY_PATH:
        return _BY_PATH[dotted]
    path = public_path(dotted)
    if path in _BY_PATH:
        return _BY_PATH[path]
    namespace, _, word = path.rpartition(".")
    if namespace == "torch.nn":
        return _OF_LAYER.get(word)
    if namespace not in _NAMESPACES:
        return None
    return _OF_WORD.get(word) or _OF_WORD.get(word.removesuffix("_")) or _OF_WORD.get(word.removesuffix("_copy"))


def loss_named(name: str) -> str:
    """The name itself, if it is the op name of a loss.

    Raises:
        UsageError: if no loss has it.
    """
    if name in loss:
        return name
    near = difflib.get_close_matches(name, loss, n=1)
    raise UsageError(
        f"no loss is called {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""),
        help="give torch's functional name: " + ", ".join(sorted(classification_loss)[:3]) + " …",
    )
