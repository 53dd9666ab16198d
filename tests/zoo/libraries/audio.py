"""torchaudio and SpeechBrain."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from entry import Entry, called, floats, tokens

DISTRIBUTIONS = ("torchaudio", "speechbrain")


def entries() -> Iterator[Entry]:
    """Recognition, enhancement, separation, synthesis and speaker networks."""
    yield from _torchaudio()
    yield from _speechbrain()


def _torchaudio() -> Iterator[Entry]:
    from torchaudio import models as m

    lengths = called(lambda: (torch.randn(2, 24, 16), torch.tensor([24, 20])))
    yield Entry("ta.conformer", lambda: m.Conformer(16, 2, 32, 2, 7), lengths)
    yield Entry("ta.conv_tasnet", lambda: m.ConvTasNet(2, 16, 16, 3, 8, 16, 2, 2), floats((2, 1, 400)))
    yield Entry("ta.deepspeech", lambda: m.DeepSpeech(16, 32, 10), floats((2, 1, 20, 16)))
    yield Entry(
        "ta.emformer",
        lambda: m.Emformer(16, 2, 32, 2, 4, right_context_length=1),
        called(lambda: (torch.randn(2, 17, 16), torch.tensor([16, 12]))),
    )
    yield Entry("ta.hdemucs", lambda: m.HDemucs(["a", "b"], channels=8, depth=6), floats((1, 2, 16384)))
    yield Entry(
        "ta.tacotron2",
        lambda: m.Tacotron2(
            n_mels=8,
            n_symbol=20,
            symbol_embedding_dim=16,
            encoder_embedding_dim=16,
            decoder_rnn_dim=16,
            attention_rnn_dim=16,
            attention_hidden_dim=8,
            prenet_dim=8,
            postnet_embedding_dim=16,
        ),
        called(
            lambda: (torch.randint(0, 20, (2, 9)), torch.tensor([9, 7]), torch.randn(2, 8, 12), torch.tensor([12, 10]))
        ),
    )
    yield Entry("ta.wav2letter", lambda: m.Wav2Letter(10, "power_spectrum", 16), floats((1, 16, 64)))
    yield Entry(
        "ta.wavernn",
        lambda: m.WaveRNN([2, 2], 8, 4, n_res_block=1, n_rnn=16, n_fc=16, n_freq=8, n_hidden=8, n_output=8),
        called(lambda: (torch.randn(2, 1, 4 * 6), torch.randn(2, 1, 8, 10))),
    )
    yield Entry(
        "ta.wav2vec2",
        lambda: m.wav2vec2_model(
            "group_norm", [(16, 10, 5), (16, 3, 2)], False, 32, 0.0, 16, 4, 2, 2, 0.0, 64, 0.0, 0.0, False, 0.0, 8
        ),
        floats((2, 400)),
    )
    yield Entry(
        "ta.wavlm",
        lambda: m.wavlm_model(
            "group_norm",
            [(16, 10, 5), (16, 3, 2)],
            False,
            32,
            0.0,
            16,
            4,
            2,
            2,
            32,
            64,
            0.0,
            64,
            0.0,
            0.0,
            False,
            0.0,
            8,
        ),
        floats((2, 400)),
    )
    yield Entry(
        "ta.squim_objective",
        lambda: m.squim_objective_model(
            feat_dim=16, win_len=16, d_model=16, nhead=2, hidden_dim=16, num_blocks=1, rnn_type="LSTM", chunk_size=10
        ),
        floats((1, 800)),
    )


def _speechbrain() -> Iterator[Entry]:
    from speechbrain.lobes.models.conv_tasnet import MaskNet
    from speechbrain.lobes.models.CRDNN import CRDNN
    from speechbrain.lobes.models.dual_path import Dual_Path_Model, SBTransformerBlock
    from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN
    from speechbrain.lobes.models.HifiGAN import HifiganGenerator
    from speechbrain.lobes.models.MetricGAN import EnhancementGenerator, MetricDiscriminator
    from speechbrain.lobes.models.ResNet import ResNet
    from speechbrain.lobes.models.RNNLM import RNNLM
    from speechbrain.lobes.models.transformer.TransformerASR import TransformerASR
    from speechbrain.lobes.models.transformer.TransformerLM import TransformerLM
    from speechbrain.lobes.models.Xvector import Xvector

    spectrum = floats((2, 30, 20))
    yield Entry(
        "sb.crdnn",
        lambda: CRDNN(input_shape=[2, 30, 20], cnn_channels=(8, 8), rnn_neurons=16, rnn_layers=1, dnn_neurons=16),
        spectrum,
    )
    yield Entry(
        "sb.ecapa_tdnn",
        lambda: ECAPA_TDNN(
            20, channels=[16, 16, 16, 16, 48], attention_channels=8, se_channels=8, lin_neurons=12, res2net_scale=4
        ),
        spectrum,
    )
    yield Entry("sb.xvector", lambda: Xvector(in_channels=20, tdnn_channels=[8, 8, 8, 8, 24], lin_neurons=12), spectrum)
    yield Entry(
        "sb.resnet", lambda: ResNet(20, channels=[8, 8, 16, 16], block_sizes=[1, 1, 1, 1], lin_neurons=12), spectrum
    )
    yield Entry(
        "sb.rnnlm",
        lambda: RNNLM(output_neurons=64, embedding_dim=16, rnn_neurons=16, rnn_layers=1, dnn_neurons=16),
        called(lambda: (tokens(2, 12),)),
    )
    yield Entry("sb.conv_tasnet_mask", lambda: MaskNet(16, 8, 16, 3, 2, 1, 2), floats((2, 16, 50)))
    yield Entry(
        "sb.sepformer",
        lambda: Dual_Path_Model(
            16, 16, SBTransformerBlock(1, 16, 2, d_ffn=32), SBTransformerBlock(1, 16, 2, d_ffn=32), num_layers=1, K=10
        ),
        floats((1, 16, 60)),
    )
    yield Entry(
        "sb.hifigan",
        lambda: HifiganGenerator(16, 1, "1", [[1, 3, 5], [1, 3, 5]], [3, 5], [4, 4], 16, [2, 2], cond_channels=0),
        floats((1, 16, 12)),
    )
    yield Entry(
        "sb.metricgan",
        lambda: EnhancementGenerator(input_size=20),
        called(lambda: (torch.rand(2, 30, 20), torch.tensor([1.0, 0.8]))),
    )
    yield Entry("sb.metric_discriminator", MetricDiscriminator, floats((2, 2, 40, 40)))
    yield Entry(
        "sb.transformer_asr",
        lambda: TransformerASR(
            tgt_vocab=32, input_size=20, d_model=16, nhead=2, num_encoder_layers=1, num_decoder_layers=1, d_ffn=32
        ),
        called(lambda: (torch.randn(2, 30, 20), torch.randint(1, 32, (2, 8)))),
    )
    yield Entry(
        "sb.conformer_asr",
        lambda: TransformerASR(
            tgt_vocab=32,
            input_size=20,
            d_model=16,
            nhead=2,
            num_encoder_layers=1,
            num_decoder_layers=1,
            d_ffn=32,
            encoder_module="conformer",
            kernel_size=7,
            attention_type="RelPosMHAXL",
            normalize_before=True,
        ),
        called(lambda: (torch.randn(2, 30, 20), torch.randint(1, 32, (2, 8)))),
    )
    yield Entry(
        "sb.transformer_lm",
        lambda: TransformerLM(vocab=32, d_model=16, nhead=2, num_encoder_layers=1, num_decoder_layers=0, d_ffn=32),
        called(lambda: (torch.randint(1, 32, (2, 8)),)),
    )
