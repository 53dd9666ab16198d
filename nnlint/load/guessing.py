"""Values for arguments nobody states: from the names and annotations people give them, consistent with each other.

Widths are divisible by numbers of heads and images by patches. A guess is always said (`Candidate.found`), and what
fails with guesses is no fault of the file.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

#: what an argument says of the data a network is for
Role = Literal["outputs", "channels", "resolution", "inputs", "features", "patch"]

#: several sets of sizes to try: networks differ in what they want to be divisible by what
VARIANTS: tuple[Mapping[str, int], ...] = (
    {"dim": 64, "wide": 128, "image": 224, "patch": 16, "length": 128, "features": 64},
    {"dim": 96, "wide": 192, "image": 256, "patch": 32, "length": 256, "features": 32},
    {"dim": 384, "wide": 768, "image": 64, "patch": 8, "length": 64, "features": 16},
    {"dim": 256, "wide": 512, "image": 32, "patch": 4, "length": 512, "features": 8},
)


@dataclass(frozen=True, slots=True)
class Sizes:
    """Which of the `VARIANTS` is tried, and the arguments that are given one value a stage."""

    variant: int = 0
    stages: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Row:
    """A value (or the name of a size of the variant), and the names it is for, without underscores and ``num_``."""

    value: float | str
    names: frozenset[str]
    endings: tuple[str, ...] = ()
    role: Role | None = None
    #: what a layer does hangs on it, not only how large it is
    decides: bool = False


def _row(value: float | str, names: str, endings: str = "", role: Role | None = None, *, decides: bool = False) -> _Row:
    return _Row(value, frozenset(names.split()), tuple(endings.split()), role, decides)


#: names count before endings, and higher rows before lower ones
_ROWS = (
    _row(
        10,
        "class cls label labels nc ncls nclass nclasses categories actions targets outputs output",
        "classes labels",
        role="outputs",
    ),
    _row(
        10,
        "outputsize outputdim outdim outsize outfeatures outputfeatures nout actiondim actionsize ydim nactions",
        role="outputs",
    ),
    _row(1000, "tokens ntoken ntokens embeddings dictsize voc", "vocab vocabsize vocablen vocabularysize"),
    _row(
        3,
        "inchannels inchannel inchans inchan inch inputchannels inputchannel inputch inputnc cin inc inp channelsin",
        role="channels",
    ),
    _row(
        3,
        "channels channel chans imgchannels imgchannel imagechannels imagechannel colorchannels nchannels",
        role="channels",
    ),
    _row(8, "outchannels outchannel outchans outch outputchannels outputchannel outputnc cout oup outc channelsout"),
    _row(64, "basechannels basech basewidth midchannels hiddenchannels initchannels stemchannels", "planes"),
    _row(32, "filters nf ngf ndf kernels featuremaps", "filters"),
    _row(
        "length", "ctx nctx blocksize contextsize patches positions maxpositionembeddings", "length seqlen maxlen len"
    ),
    _row("wide", "dff dimff ffdim ffndim mlpdim nhid dinner innerdim ffsize dhid ffnhidden ffhidden", "feedforward"),
    _row("wide", "", "mlpdim ffdim ffndim ffnsize intermediatesize feedforwarddim feedforwardsize mlphidden"),
    _row(16, "dhead dk dv dqk dkv", "dimhead headdim headsize dimkey keydim valuedim"),
    _row(4, "h", "heads head"),
    _row(2, "n", "depth layers layer blocks stages repeats nlayers hierarchies"),
    _row(2, "spatialdims spatialdim ndims ndim dimensions dimension"),
    _row(2, "framepatchsize tubeletsize topk scale upscale scalefactor upscalefactor upsample factor r multiplier"),
    _row(
        "image",
        "height width h w imgh imgw cropsize",
        "imagesize imgsize resolution imageheight imagewidth imgheight",
        role="resolution",
    ),
    _row("patch", "ps", "patchsize patch patchheight patchwidth", role="patch"),
    _row(8, "frames frame timesteps timestep t steps nframes"),
    _row(3, "k ks ksize", "kernelsize kernel filtersize kernelsizes", decides=True),
    _row(7, "", "windowsize winsize window", decides=True),
    _row(1, "id idx index s stride strides dilation dilations groups padding pad", decides=True),
    _row(4, "experts codebooks quantizers levels slots queries latents mixtures components gaussians freqbands bands"),
    _row(4, "seratio hiddenratio mult", "mlpratio expandratio expansion expansionratio expansionfactor mult reduction"),
    _row(12, "growthrate"),
    _row(0.5, "", "ratio fraction"),
    _row(
        0.1,
        "p pdrop dp alpha beta gamma eps epsilon momentum tau temperature slope lr",
        "dropout drop droprate prob",
        decides=True,
    ),
    _row(0.1, "learningrate weightdecay", "droppath dropoutrate probability dropoutp dropoutprob rate", decides=True),
    _row(
        "features",
        "inputsize inputdim indim infeatures inputfeatures input inputs nin statedim statesize obsdim",
        role="inputs",
    ),
    _row("features", "features feats nfeatures ninputs xdim observationdim obssize", role="features"),
    _row("features", "noisedim conddim contextdim nz z"),
    _row(
        "dim", "d c dmodel dimmodel nembd ninp emsize emb hid hidden units neurons width", "dim dims hidden width embed"
    ),
    _row("dim", "dimin dimout", "hiddensize embsize embedsize embeddingsize embedding latent features units channels"),
)

_BY_ANNOTATION = {"int": 8, "float": 0.1, "bool": False}
_FLAG = re.compile(r"(use|is|with|has|return|do|enable|no)_")
_COUNT = re.compile(r"\A(num|nb|number_of|n)_(?=.)")
#: what the form of a name nobody knows tells: a count, or the size of something
_FORMS: tuple[tuple[re.Pattern[str], int | str], ...] = (
    (re.compile(r"\A(num|nb|number_of|n)_"), 2),
    (re.compile(r"\Adim_|_(dim|size|chan)\Z|\Achan\Z"), "dim"),
)
_SEVERAL = re.compile(r"[Tt]uple|[Ll]ist|Sequence|Iterable")


def guess(name: str, annotation: str | None = None, sizes: Sizes | None = None) -> Any:
    """A value for an argument of this name; None if there is no telling.

    Args:
        name: the parameter's name.
        annotation: its annotation as source text.
        sizes: what to take the sizes from.
    """
    sizes = sizes or Sizes()
    plain = (annotation or "").replace("typing.", "").replace(" ", "")
    if plain == "bool" or _FLAG.match(name):
        return False
    if plain == "str" or "Callable" in plain or "Module" in plain:
        return None
    if plain.startswith("Literal["):
        return ast.literal_eval(f"({plain[8:-1]},)")[0]
    one = "cpu" if name == "device" else _by_name(name, sizes.variant)
    if name in sizes.stages or _SEVERAL.search(plain):
        return _tuple(name, plain, one, sizes.variant)
    fits = one is not None and not (plain == "int" and isinstance(one, float))
    return one if fits else _BY_ANNOTATION.get(plain, one)


def role_of(name: str) -> Role | None:
    """What an argument of this name says of the data: how many outputs they ask for, their channels, their size."""
    found = _row_of(name)
    return found.role if found is not None and not _FLAG.match(name) else None


def decides(name: str) -> bool:
    """Whether what a layer does hangs on an argument of this name: a kernel's size, a stride, a rate of dropout."""
    found = _row_of(name)
    return found is not None and found.decides


def _row_of(name: str) -> _Row | None:
    squeezed = _COUNT.sub("", name.strip("_").lower(), count=1).replace("_", "")
    named = next((row for row in _ROWS if squeezed in row.names), None)
    return named or next((row for row in _ROWS if row.endings and squeezed.endswith(row.endings)), None)


def _by_name(name: str, variant: int) -> Any:
    found = _row_of(name)
    if found is None:
        form = next((value for pattern, value in _FORMS if pattern.search(name)), None)
        return VARIANTS[variant][form] if isinstance(form, str) else form
    return VARIANTS[variant][found.value] if isinstance(found.value, str) else found.value


def _tuple(name: str, annotation: str, one: Any, variant: int) -> Any:
    """As many as the annotation says, else one for each of four stages; widths grow from stage to stage."""
    if one is None:
        one = _by_name(name.removesuffix("s"), variant)
    if one is None and "int" in annotation:
        one = 8
    if one is None:
        return None
    inner = annotation.partition("[")[2].rstrip("]")
    if re.search("[Tt]uple", annotation) and inner and "..." not in inner:
        return (one,) * (inner.count(",") + 1)
    grows = one == VARIANTS[variant]["dim"]
    values = [one * 2**stage if grows else one for stage in range(4)]
    return values if re.search("[Ll]ist", annotation) else tuple(values)
