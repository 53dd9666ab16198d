"""MONAI: segmentation, registration, classification and generation in two and three dimensions."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from entry import Entry, called, floats

DISTRIBUTIONS = ("monai",)


def entries() -> Iterator[Entry]:
    """Small configurations, most of them in three dimensions."""
    from monai.networks import nets as n

    cube, image = floats((1, 1, 32, 32, 32)), floats((2, 1, 32, 32))
    steps = {"channels": (4, 8, 16), "strides": (2, 2, 2)}
    diffusion = {
        "spatial_dims": 2,
        "in_channels": 1,
        "channels": (8, 16),
        "num_res_blocks": 1,
        "attention_levels": (False, True),
        "norm_num_groups": 4,
        "num_head_channels": 8,
    }
    at_times = called(lambda: (torch.randn(2, 1, 16, 16), torch.tensor([3, 7])))
    yield Entry("UNet", lambda: n.UNet(3, 1, 2, (4, 8, 16), (2, 2), num_res_units=2), cube)
    yield Entry("BasicUNet", lambda: n.BasicUNet(2, 1, 2, (4, 4, 8, 8, 16, 4)), image)
    yield Entry("BasicUNetPlusPlus", lambda: n.BasicUNetPlusPlus(2, 1, 2, (4, 4, 8, 8, 16, 4)), image)
    yield Entry("AttentionUnet", lambda: n.AttentionUnet(2, 1, 2, (4, 8, 16), (2, 2)), image)
    yield Entry("DynUNet", lambda: n.DynUNet(2, 1, 2, [3, 3, 3], [1, 2, 2], [2, 2], [4, 8, 16]), image)
    yield Entry("SegResNet", lambda: n.SegResNet(3, 8, 1, 2, blocks_down=(1, 1, 1), blocks_up=(1, 1)), cube)
    yield Entry("SegResNetVAE", lambda: n.SegResNetVAE((32, 32), spatial_dims=2, vae_nz=8), image)
    yield Entry("SegResNetDS", lambda: n.SegResNetDS(2, 8, 1, 2, blocks_down=(1, 1, 1)), image)
    yield Entry(
        "SwinUNETR",
        lambda: n.SwinUNETR(1, 2, feature_size=12, depths=(1, 1, 1, 1), num_heads=(1, 2, 2, 4), spatial_dims=2),
        floats((1, 1, 64, 64)),
    )
    yield Entry("UNETR", lambda: n.UNETR(1, 2, (32, 32), 4, 24, 48, 3, spatial_dims=2), image)
    yield Entry("VNet", lambda: n.VNet(2, 1, 2, dropout_dim=2), image)
    yield Entry(
        "ViT", lambda: n.ViT(1, (16, 16, 16), (8, 8, 8), 24, 48, 2, 2, classification=True), floats((1, 1, 16, 16, 16))
    )
    yield Entry(
        "ViTAutoEnc",
        lambda: n.ViTAutoEnc(
            1, (32, 32), (16, 16), hidden_size=24, mlp_dim=48, num_layers=2, num_heads=2, spatial_dims=2
        ),
        image,
    )
    yield Entry(
        "MaskedAutoEncoderViT",
        lambda: n.MaskedAutoEncoderViT(
            1,
            (32, 32),
            (8, 8),
            24,
            48,
            2,
            2,
            decoder_hidden_size=24,
            decoder_mlp_dim=48,
            decoder_num_layers=1,
            decoder_num_heads=2,
            spatial_dims=2,
        ),
        image,
    )
    yield Entry("DenseNet", lambda: n.DenseNet(3, 1, 3, 8, 4, (2, 2)), cube)
    yield Entry(
        "ResNet", lambda: n.ResNet("basic", [1, 1, 1, 1], [4, 8, 8, 16], n_input_channels=1, num_classes=3), cube
    )
    yield Entry(
        "SENet", lambda: n.SENet(2, 1, "se_resnet_bottleneck", (1, 1, 1, 1), 1, 4, inplanes=64, num_classes=3), image
    )
    yield Entry(
        "EfficientNetBN",
        lambda: n.EfficientNetBN("efficientnet-b0", False, in_channels=1, num_classes=3),
        floats((2, 1, 64, 64)),
    )
    yield Entry("HighResNet", lambda: n.HighResNet(2, 1, 2), image)
    yield Entry(
        "FlexibleUNet",
        lambda: n.FlexibleUNet(3, 2, "resnet18", decoder_channels=(16, 8, 8, 4, 4)),
        floats((1, 3, 64, 64)),
    )
    yield Entry("AutoEncoder", lambda: n.AutoEncoder(2, 1, 1, **steps), image)
    yield Entry("VarAutoEncoder", lambda: n.VarAutoEncoder(2, (1, 32, 32), 1, 4, **steps), image)
    yield Entry(
        "VQVAE",
        lambda: n.VQVAE(
            2,
            1,
            1,
            channels=(8, 8),
            num_res_layers=1,
            num_res_channels=(8, 8),
            downsample_parameters=((2, 4, 1, 1),) * 2,
            upsample_parameters=((2, 4, 1, 1, 0),) * 2,
            num_embeddings=16,
            embedding_dim=4,
        ),
        image,
    )
    yield Entry("AutoencoderKL", lambda: n.AutoencoderKL(2, 1, 1, (1, 1), (8, 8), (False, True), 2, 4), image)
    yield Entry("DiffusionModelUNet", lambda: n.DiffusionModelUNet(out_channels=1, **diffusion), at_times)
    yield Entry(
        "ControlNet",
        lambda: n.ControlNet(
            **diffusion, conditioning_embedding_num_channels=(4,), conditioning_embedding_in_channels=1
        ),
        called(lambda: (torch.randn(2, 1, 16, 16), torch.tensor([3, 7]), torch.randn(2, 1, 16, 16))),
    )
    yield Entry(
        "DecoderOnlyTransformer",
        lambda: n.DecoderOnlyTransformer(32, 16, 16, 2, 2),
        called(lambda: (torch.randint(0, 32, (2, 12)),)),
    )
    yield Entry(
        "MedNeXt",
        lambda: n.MedNeXt(2, 4, 1, 2, kernel_size=3, blocks_down=(1, 1), blocks_bottleneck=1, blocks_up=(1, 1)),
        image,
    )
    yield Entry("HoverNet", lambda: n.HoVerNet(out_classes=3), floats((1, 3, 256, 256)))
    yield Entry("PatchDiscriminator", lambda: n.PatchDiscriminator(2, 4, 1), floats((2, 1, 64, 64)))
    yield Entry(
        "MultiScalePatchDiscriminator",
        lambda: n.MultiScalePatchDiscriminator(2, 2, 2, channels=4, in_channels=1),
        floats((1, 1, 128, 128)),
    )
    yield Entry("Discriminator", lambda: n.Discriminator((1, 32, 32), (4, 8), (2, 2)), image)
    yield Entry("Generator", lambda: n.Generator((8,), (4, 4, 4), (8, 4, 1), (2, 2, 1)), floats((2, 8)))
    yield Entry("Regressor", lambda: n.Regressor((1, 32, 32), (2,), (4, 8), (2, 2)), image)
    yield Entry("FullyConnectedNet", lambda: n.FullyConnectedNet(8, 2, (16, 16)), floats((3, 8)))
    yield Entry("RegUNet", lambda: n.RegUNet(2, 1, 4, 2), image)
    yield Entry("LocalNet", lambda: n.LocalNet(2, 1, 4, (0, 1)), image)
    yield Entry("GlobalNet", lambda: n.GlobalNet([32, 32], 2, 1, 4, 2), image)
    yield Entry(
        "VoxelMorph",
        lambda: n.VoxelMorph(n.VoxelMorphUNet(2, 2, 2, (4, 4, 4, 4), (4,)), spatial_dims=2),
        floats((1, 1, 32, 32), (1, 1, 32, 32)),
    )
    yield Entry("SPADENet", lambda: n.SPADENet(2, 1, 1, 3, [32, 32], [8, 4], 4), floats((1, 3, 32, 32), (1, 1, 32, 32)))
    yield Entry("MILModel", lambda: n.MILModel(2, "att", False, "resnet18"), floats((1, 3, 3, 64, 64)))
    yield Entry("Quicknat", lambda: n.Quicknat(3, 1, 8), image)
