"""What torch's public names are: which dotted names make networks, wrap them, or judge them. Plain facts."""

from __future__ import annotations

import re
import sys


def words(text: str) -> frozenset[str]:
    """The set of the words of a text: long tables of names read better so."""
    return frozenset(text.split())


#: layers that are networks when they stand alone: they hold parameters (or others that do)
_LAYERS = words(
    "Sequential Linear Bilinear LazyLinear LSTM GRU RNN LSTMCell GRUCell RNNCell Transformer TransformerEncoder "
    "TransformerDecoder TransformerEncoderLayer TransformerDecoderLayer MultiheadAttention Embedding "
    "EmbeddingBag"
) | {f"{lazy}Conv{t}{n}d" for lazy in ("", "Lazy") for t in ("", "Transpose") for n in (1, 2, 3)}

_NOT_MODULES = frozenset({"Parameter", "Buffer", "UninitializedParameter", "UninitializedBuffer", "ParameterList"})
_NOT_MODULE_PACKAGES = ("torch.nn.functional.", "torch.nn.init.", "torch.nn.utils.", "torch.nn.attention.")

#: functions that give another network of the same kind
COPIES = frozenset({"copy.deepcopy", "copy.copy"})
#: functions and classes that hand back the network they are given
WRAPPERS = (
    frozenset(
        {
            "torch.nn.DataParallel",
            "torch.nn.parallel.DataParallel",
            "torch.nn.parallel.DistributedDataParallel",
            "torch.nn.SyncBatchNorm.convert_sync_batchnorm",
            "torch.distributed.fsdp.FullyShardedDataParallel",
            "torch.compile",
            "torch.jit.script",
            "torch.nn.utils.weight_norm",
            "torch.nn.utils.spectral_norm",
            "torch.nn.utils.parametrizations.weight_norm",
            "torch.nn.utils.parametrizations.spectral_norm",
        }
    )
    | COPIES
)

#: methods of a network that return it
SELF_METHODS = words(
    "to cuda cpu xpu ipu mtia eval train half float double bfloat16 type requires_grad_ apply share_memory to_empty"
)

#: methods that every network has and that compute nothing of its output
MODULE_METHODS = words(
    "parameters named_parameters modules named_modules children named_children buffers named_buffers train eval to "
    "cuda cpu half float double zero_grad state_dict load_state_dict requires_grad_ apply register_forward_hook "
    "register_full_backward_hook register_buffer get_parameter get_submodule extra_repr"
)

#: packages whose networks are not torch's, and those that have none
_FOREIGN = words(
    "tensorflow keras tf jax flax haiku equinox paddle mlx mindspore jittor tinygrad oneflow mxnet chainer theano "
    "sklearn numpy scipy pandas matplotlib seaborn cv2 PIL tqdm yaml requests argparse xgboost lightgbm catboost "
    "cupy pytest click typer wandb tensorboard tensorboardX nltk spacy gensim einops networkx sympy "
    "statsmodels plotly"
)


def is_foreign(dotted: str) -> bool:
    """Whether a dotted name belongs to the standard library or to a package without torch networks."""
    root = dotted.partition(".")[0]
    return root in _FOREIGN or root in sys.stdlib_module_names


def is_torch(dotted: str) -> bool:
    """Whether a dotted name is torch's own."""
    return dotted == "torch" or dotted.startswith("torch.")


def is_module_class(dotted: str) -> bool:
    """Whether a dotted name is a subclass of ``torch.nn.Module`` in torch itself or in Lightning."""
    leaf = dotted.rpartition(".")[2]
    if leaf == "LightningModule" or dotted in {"torch.jit.ScriptModule", "torch.fx.GraphModule"}:
        return True
    inside = dotted.startswith(("torch.nn.", "torch.ao.nn.")) and not dotted.startswith(_NOT_MODULE_PACKAGES)
    return inside and leaf[:1].isupper() and leaf not in _NOT_MODULES


def is_layer(dotted: str) -> bool:
    """Whether a dotted name is a layer of torch that is a network by itself (``nn.Sequential``, ``nn.Linear``)."""
    return is_module_class(dotted) and dotted.rpartition(".")[2] in _LAYERS


def is_loss_class(dotted: str) -> bool:
    """Whether a dotted name is one of torch's loss classes (``torch.nn.BCELoss``)."""
    leaf = dotted.rpartition(".")[2]
    return dotted.startswith("torch.nn.") and leaf[:1] in "ABCDEFGHIJKLMNOPQRSTUVWXYZ_" and leaf.endswith("Loss")


#: how the libraries of pretrained networks call their classes, those for other frameworks and for data apart
_PRETRAINED = re.compile(
    r"^(?:transformers|diffusers)\.(?:\w+\.)*(?!TF[A-Z]|Flax|DataCollator)"
    r"\w*?(?:Model|For[A-Z]\w+|UNet\w*|Autoencoder\w*|ControlNet\w*)(?:\._?from_(?:config|pretrained))?$"
)


def is_model_function(dotted: str) -> bool:
    """Whether a dotted name is a documented constructor of networks in a library torch users have at hand."""
    package, _, leaf = dotted.rpartition(".")
    if _PRETRAINED.match(dotted):
        return True
    if dotted in {"timm.create_model", "timm.models.create_model", "torch.hub.load"}:
        return True
    inside = package == "torchvision.models" or package.startswith("torchvision.models.")
    return inside and leaf.islower() and not leaf.startswith(("get_", "list_", "register_"))
