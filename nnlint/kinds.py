"""What kinds of operation there are: sets of op names with set algebra. Facts, no opinions.

An op nnlint cannot name (its `Op.name` is a dotted path) is in no kind, not even in a complement: a walk stops at it
and no rule fires. Ignorance is silence, decided once, here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nnlint.graph import Op


@dataclass(frozen=True, slots=True)
class Kind:
    """A set of op names. ``op in kind``, ``a | b``, ``a & b``, ``a - b``, ``~a`` (all *named* ops but these)."""

    names: frozenset[str]

    @classmethod
    def of(cls, *names: str) -> Kind:
        """The kind of these names.

        Raises:
            ValueError: if a name is not one of nnlint's op names (a rule that could never fire).
        """
        unknown = sorted(set(names) - ALL) if ALL else []
        if unknown:
            import difflib

            near = difflib.get_close_matches(unknown[0], ALL, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"no op is called {unknown[0]!r}{hint}")
        return cls(frozenset(names))

    def __contains__(self, op: Op | str) -> bool:
        return (op if isinstance(op, str) else op.name) in self.names

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self.names))

    def __len__(self) -> int:
        return len(self.names)

    def __or__(self, other: Kind) -> Kind:
        return Kind(self.names | other.names)

    def __and__(self, other: Kind) -> Kind:
        return Kind(self.names & other.names)

    def __sub__(self, other: Kind) -> Kind:
        return Kind(self.names - other.names)

    def __invert__(self) -> Kind:
        return Kind(ALL - self.names)


#: every op name nnlint knows; filled at the end of this module
ALL: frozenset[str] = frozenset()


def _kind(names: str) -> Kind:
    return Kind(frozenset(names.split()))


# -- where data enters and leaves --------------------------------------------------------------------------------------

#: ops that compute nothing: the arguments, the result, and state or numbers read as data
boundary = _kind("input output parameter constant")

# -- layers with weights -----------------------------------------------------------------------------------------------

#: one spatial axis, forwards or transposed
convolution_1d = _kind("conv1d conv_transpose1d conv_tbc")
#: two spatial axes, forwards or transposed
convolution_2d = _kind("conv2d conv_transpose2d")
#: three spatial axes, forwards or transposed
convolution_3d = _kind("conv3d conv_transpose3d")
#: every convolution, transposed ones included
convolution = convolution_1d | convolution_2d | convolution_3d
#: the gradient of a convolution run as a layer: it makes maps larger
transposed_convolution = _kind("conv_transpose1d conv_transpose2d conv_transpose3d")
#: a matrix times the last axis, plus a bias
linear = _kind("linear")
#: a recurrent layer over a sequence, or one step of it
recurrent = _kind("lstm gru rnn lstm_cell gru_cell rnn_cell")
#: every position looks at every other: the products and the softmax as one op, with projections or without
attention = _kind("scaled_dot_product_attention multi_head_attention flex_attention")
#: rows of a table, looked up by integers
embedding = _kind("embedding embedding_bag")
#: multiplies what it reads by learnt matrices (an embedding looks rows up instead; see `embedding`)
weighted = convolution | linear | recurrent | _kind("bilinear multi_head_attention")
#: products of matrices that are both data (or parameters read as data): no layer by themselves
matrix_product = _kind(
    "matmul mm bmm mv dot inner outer einsum tensordot addmm addbmm baddbmm addmv addr chain_matmul multi_dot vecdot "
    "kron grouped_mm scaled_mm scaled_grouped_mm matrix_power"
)

# -- normalisation -----------------------------------------------------------------------------------------------------

#: statistics of each channel over the batch
batch_norm = _kind("batch_norm")
#: statistics of each channel of each sample
instance_norm = _kind("instance_norm")
#: statistics of each sample over its last axes, mean and variance
layer_norm = _kind("layer_norm")
#: like `layer_norm`, by the root mean square alone
rms_norm = _kind("rms_norm")
#: statistics of groups of channels of each sample
group_norm = _kind("group_norm")
#: a layer that rescales activations by their own statistics
normalisation = batch_norm | instance_norm | layer_norm | rms_norm | group_norm | _kind("local_response_norm")
#: a weight rebuilt from its direction and its length
weight_norm = _kind("weight_norm")
#: divides vectors by their length
unit_length = _kind("normalize renorm")

# -- activations -------------------------------------------------------------------------------------------------------

#: rectifiers: about the identity for large positive inputs, flat or nearly so for large negative ones
rectifier = _kind("relu relu6 leaky_relu prelu rrelu elu celu selu gelu silu mish hardswish softplus threshold")
#: flat at both ends: the gradient vanishes for large inputs of either sign
saturating = _kind("sigmoid tanh hardsigmoid hardtanh softsign relu6 erf atan ndtr")
#: the functions made to stand between layers, one element (or one gated pair) at a time; no softmax
activation = (
    rectifier
    | _kind("sigmoid tanh hardsigmoid hardtanh softsign logsigmoid softshrink hardshrink tanhshrink glu")
)  # fmt: skip
#: positive weights that sum to one along an axis (softmin and gumbel_softmax too)
softmax = _kind("softmax softmin gumbel_softmax")
#: logarithms of probabilities
log_probability = _kind("log_softmax logsigmoid log_ndtr")

# -- dropout, pooling, resampling, padding -----------------------------------------------------------------------------

#: zeroes channels or features as a whole
channel_dropout = _kind("dropout1d dropout2d dropout3d feature_alpha_dropout")
#: zeroes at random while training, all variants
dropout = channel_dropout | _kind("dropout alpha_dropout")
#: the largest of each window
max_pooling = _kind(
    "max_pool1d max_pool2d max_pool3d adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d "
    "fractional_max_pool2d fractional_max_pool3d"
)
#: the mean of each window
average_pooling = _kind(
    "avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d"
)  # fmt: skip
#: pooling to a stated output size, whatever the input's
adaptive_pooling = _kind(
    "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d "
    "adaptive_max_pool3d"
)
#: windows summed up to one value each
pooling = max_pooling | average_pooling | _kind("lp_pool1d lp_pool2d lp_pool3d")
#: max pooling undone with its own indices
unpooling = _kind("max_unpool1d max_unpool2d max_unpool3d")
#: maps made larger or smaller, or sampled at given points, without weights
resampling = unpooling | _kind("interpolate grid_sample affine_grid pixel_shuffle pixel_unshuffle")
#: values put around a map (zeros, copies or reflections of its edge)
padding = _kind("pad")
#: windows laid out as columns, and back
windowing = _kind("unfold fold tensor_unfold")

# -- the same values, arranged otherwise -------------------------------------------------------------------------------

#: the input itself, or a copy of it: another device, memory layout or floating dtype at most
identity = _kind("identity to contiguous clone detach alias")
#: the same elements in the same or a permuted order under another shape
reshaping = _kind(
    "view reshape flatten unflatten squeeze unsqueeze permute transpose movedim atleast_1d atleast_2d atleast_3d"
)  # fmt: skip
#: the same elements moved along their axes
rearranging = _kind("pixel_shuffle pixel_unshuffle channel_shuffle flip roll rot90 fftshift ifftshift sort")
#: some of the elements: slices, rows, diagonals, chunks
indexing = _kind(
    "getitem select narrow index_select gather take take_along_dim masked_select chunk split tensor_split unbind "
    "diagonal diag tensor_unfold as_strided unique unique_consecutive topk kthvalue"
)
#: elements repeated to fill a larger shape
expanding = _kind("expand repeat tile repeat_interleave broadcast_to broadcast_tensors meshgrid")
#: hands on elements of the one tensor it reads, unchanged
value_preserving = identity | reshaping | rearranging | indexing | expanding

# -- several tensors become one ----------------------------------------------------------------------------------------

#: tensors laid side by side
concatenation = _kind("cat stack hstack vstack dstack column_stack block_diag cartesian_prod")
#: arithmetic of two operands, element by element (one of them may be a number: then it reads one tensor only)
arithmetic = _kind("add sub mul div floor_divide remainder fmod pow addcmul addcdiv lerp maximum minimum")
#: joins the tensors it reads into one, element by element or side by side
merging = arithmetic | concatenation | _kind("where fmax fmin logaddexp logaddexp2 hypot atan2 copysign")

# -- mathematics -------------------------------------------------------------------------------------------------------

#: a step function: its gradient is zero wherever it exists
rounding = _kind("ceil floor round trunc sign signbit heaviside floor_divide fake_quantize quantize")
#: true or false (0 or 1) for each element, or for all together
comparison = _kind(
    "eq ne lt le gt ge isclose isnan isinf isfinite isposinf isneginf isreal isin logical_and logical_or logical_not "
    "logical_xor equal allclose all any signbit"
)
#: integers taken bit by bit
bitwise = _kind(
    "bitwise_and bitwise_or bitwise_xor bitwise_not bitwise_left_shift bitwise_right_shift gcd lcm"
)  # fmt: skip
#: keeps values within bounds
clamping = _kind("clamp nan_to_num")
#: functions of one variable, applied to each element, that are no activations
mathematics = _kind(
    "abs exp exp2 expm1 log log2 log10 log1p sqrt rsqrt square reciprocal sin cos tan asin acos atan sinh cosh asinh "
    "acosh atanh sinc erf erfc erfcx erfinv lgamma digamma polygamma mvlgamma gammainc gammaincc i0 i0e i1 i1e logit "
    "frac xlogy xlog1py entr ndtr ndtri log_ndtr zeta bessel_j0 bessel_j1 bessel_y0 bessel_y1 modified_bessel_i0 "
    "modified_bessel_i1 modified_bessel_k0 modified_bessel_k1 scaled_modified_bessel_k0 scaled_modified_bessel_k1 "
    "spherical_bessel_j0 airy_ai orthogonal_polynomial ldexp frexp nextafter"
)
#: linear in each element: scaling and signs
_scaling = _kind("neg positive deg2rad rad2deg")
#: complex numbers: their parts, and conversions between them and pairs of reals
complex_parts = _kind(
    "complex polar real imag angle conj adjoint view_as_real view_as_complex resolve_conj resolve_neg"
)  # fmt: skip
#: one element of the output depends on the elements at the same place of the inputs alone (dropout's mask apart)
elementwise = (
    (activation - _kind("glu"))
    | dropout
    | arithmetic
    | identity
    | rounding
    | (comparison - _kind("equal allclose all any isin"))
    | bitwise
    | clamping
    | mathematics
    | _scaling
    | (complex_parts - _kind("adjoint"))
    | _kind("where fmax fmin logaddexp logaddexp2 hypot atan2 copysign masked_fill cast_to_integer")
)
#: an axis (or all of them) summed up, by whatever statistic
reduction = _kind(
    "sum mean max min amax amin aminmax prod std var std_mean var_mean median mode quantile logsumexp norm vector_norm "
    "matrix_norm argmax argmin all any count_nonzero nansum nanmean nanmedian nanquantile trace bincount histc "
    "histogram histogramdd kthvalue segment_reduce hash_tensor"
)
#: running totals along an axis
cumulative = _kind("cumsum cumprod cummax cummin logcumsumexp cumulative_trapezoid trapezoid diff gradient")
#: distances and similarities between vectors
distance = _kind("cdist dist pdist pairwise_distance cosine_similarity corrcoef cov")
#: order: sorted values, ranks, positions
ordering = _kind("sort argsort topk kthvalue msort searchsorted bucketize unique unique_consecutive")
#: linear algebra on whole matrices
linear_algebra = _kind(
    "cholesky cholesky_ex cholesky_inverse cholesky_solve cross det logdet slogdet eig eigh eigvals eigvalsh "
    "householder_product inverse inv_ex ldl_factor ldl_factor_ex ldl_solve lobpcg lstsq lu lu_factor lu_factor_ex "
    "lu_solve lu_unpack matrix_cond matrix_exp matrix_rank ormqr geqrf pca_lowrank pinverse qr solve solve_ex "
    "solve_triangular svd svdvals svd_lowrank tensorinv tensorsolve triangular_solve vander"
)
#: Fourier transforms
fourier = _kind(
    "fft fft2 fftn ifft ifft2 ifftn rfft rfft2 rfftn irfft irfft2 irfftn hfft hfft2 hfftn ihfft ihfft2 ihfftn stft "
    "istft fftshift ifftshift fftfreq rfftfreq"
)

# -- tensors out of nothing, and tensors written to --------------------------------------------------------------------

#: random numbers, made or drawn (dropout and its kin apart)
sampling = _kind(
    "rand randn randint randperm normal uniform bernoulli multinomial poisson binomial exponential cauchy geometric "
    "log_normal random"
)
#: a tensor that depends on no other tensor's values
creation = _kind(
    "zeros ones full empty arange linspace logspace eye tensor window tril_indices triu_indices rand randn randint "
    "randperm combinations unravel_index fftfreq rfftfreq"
)
#: elements of a tensor replaced
writing = _kind(
    "setitem index_put index_add index_copy index_fill index_reduce scatter scatter_add scatter_reduce masked_fill "
    "masked_scatter copy fill fill_diagonal put slice_scatter select_scatter diagonal_scatter as_strided_scatter "
    "set_data resize"
)
#: the part of a matrix on one side of its diagonal, and matrices with a given diagonal
masking = _kind("masked_fill tril triu diag_embed diagflat")
#: positions of the elements that are not zero
locating = _kind("nonzero argwhere argmax argmin argsort searchsorted bucketize")
#: sparse layouts, nested tensors, and back
layout = _kind("to_sparse to_dense sparse_mask coalesce sparse_tensor sparse_parts to_padded_tensor nested_tensor")
#: packed sequences of unequal lengths
packing = _kind("pack_padded_sequence pad_packed_sequence pack_sequence pad_sequence unpack_sequence unpad_sequence")
#: integers to vectors of zeros and a one
one_hot = _kind("one_hot")
#: fewer bits, and back
quantisation = _kind("quantize dequantize fake_quantize")
#: a value read out of the tensors into Python: what follows may depend on it
readout = _kind("item tolist numpy")

# -- losses ------------------------------------------------------------------------------------------------------------

#: wants raw scores: it applies a sigmoid or softmax itself
logits_loss = _kind(
    "cross_entropy linear_cross_entropy binary_cross_entropy_with_logits multilabel_soft_margin_loss soft_margin_loss "
    "multi_margin_loss multilabel_margin_loss adaptive_log_softmax_with_loss"
)
#: judges scores or probabilities of classes
classification_loss = logits_loss | _kind("nll_loss binary_cross_entropy ctc_loss")
#: judges numbers by their distance
regression_loss = _kind("mse_loss l1_loss smooth_l1_loss huber_loss gaussian_nll_loss poisson_nll_loss")
#: judges pairs or triplets of embeddings
metric_loss = _kind(
    "cosine_embedding_loss hinge_embedding_loss margin_ranking_loss triplet_margin_loss "
    "triplet_margin_with_distance_loss"
)
#: what training makes small
loss = classification_loss | regression_loss | metric_loss | _kind("kl_div")

# -- properties --------------------------------------------------------------------------------------------------------

#: its output lies in [0, 1], whatever it reads
unit_interval = softmax | comparison | one_hot | _kind("sigmoid hardsigmoid ndtr rand bernoulli")
#: not linear in what it reads, however it is set (normalisation, which is not linear either, is asked for by its name)
nonlinear = (
    activation
    | softmax
    | log_probability
    | max_pooling
    | attention
    | recurrent
    | (mathematics - _kind("ldexp"))
    | (rounding - quantisation)
    | comparison
    | clamping
    | _kind("maximum minimum fmax fmin logaddexp logaddexp2 hypot atan2 max min amax amin aminmax logsumexp median")
    | _kind("lp_pool1d lp_pool2d lp_pool3d cummax cummin logcumsumexp norm vector_norm std var")
)
#: no gradient flows through it to what it reads
gradient_stop = (
    comparison
    | bitwise
    | locating
    | sampling
    | creation
    | one_hot
    | readout
    | _kind("detach cast_to_integer bincount histc histogram histogramdd count_nonzero isin unravel_index quantize")
)
#: gives another result for the same input (dropout and rrelu while training)
random = sampling | dropout | _kind("rrelu gumbel_softmax fractional_max_pool2d fractional_max_pool3d")

# -- what backward reads -----------------------------------------------------------------------------------------------
#
# From torch's own table (tools/autograd/derivatives.yaml), and tried op by op: tests/graph/test_backward_needs.py.
# What is in none of these is not known, or depends on the device or the arguments.

#: backward reads the result: overwriting it makes backward raise
result_kept = _kind(
    "relu sigmoid tanh softmax softmin log_softmax exp exp2 expm1 sqrt rsqrt reciprocal tan std norm vector_norm amax "
    "amin logsumexp prod"
)
#: in place, backward reads the result (which is all that is left)
result_kept_in_place = _kind(
    "relu leaky_relu elu selu celu rrelu sigmoid tanh exp exp2 expm1 sqrt rsqrt reciprocal tan"
)  # fmt: skip
#: backward does not read the result: it may be overwritten
result_free = (
    (convolution - _kind("conv_tbc"))
    | linear
    | batch_norm
    | instance_norm
    | layer_norm
    | group_norm
    | rms_norm
    | dropout
    | padding
    | _kind("local_response_norm relu6 leaky_relu prelu elu selu celu gelu silu mish hardswish softplus hardsigmoid")
    | _kind("hardtanh max_pool1d max_pool2d max_pool3d adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d")
    | average_pooling
    | _kind("embedding interpolate pixel_shuffle pixel_unshuffle cat stack add sub mul div neg matmul mm bmm mean sum")
)
#: backward reads what it is given (its first input), whatever else needs a gradient
input_kept = (
    _kind("relu6 leaky_relu prelu elu selu celu gelu silu mish hardswish softplus hardsigmoid hardtanh threshold glu")
    | _kind("logsigmoid softshrink hardshrink softsign log log2 log10 log1p square sin cos abs erf clamp atan")
    | _kind("max_pool1d max_pool2d max_pool3d avg_pool1d avg_pool2d avg_pool3d")
    | batch_norm
    | layer_norm
    | group_norm
)
#: backward reads what it is given if its weight needs a gradient
input_kept_for_weight = (convolution - _kind("conv_tbc")) | linear
#: the gradient of one factor is the other: backward reads each if the other needs a gradient
factors_kept = _kind("mul matmul mm bmm")

ALL = frozenset().union(*(value.names for value in list(globals().values()) if isinstance(value, Kind)))
