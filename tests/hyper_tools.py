"""HyperIQA written a second time, the plain way, with random weights: what the measure is compared with."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn


class Block(nn.Module):
    def __init__(self, inside: int, planes: int, stride: int, first: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inside, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, planes * 4, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(planes * 4)
        if first:
            shortcut = nn.Conv2d(inside, planes * 4, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(planes * 4))

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x))))).relu()
        return torch.relu(
            self.bn3(self.conv3(y)) + (self.downsample(x) if hasattr(self, "downsample") else x)
        )


def stage(inside: int, planes: int, blocks: int, stride: int) -> nn.Sequential:
    rest = [Block(planes * 4, planes, 1, False) for _ in range(blocks - 1)]
    return nn.Sequential(Block(inside, planes, stride, True), *rest)


class Backbone(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        self.layer1, self.layer2 = stage(64, 64, 3, 1), stage(256, 128, 4, 2)
        self.layer3, self.layer4 = stage(512, 256, 6, 2), stage(1024, 512, 3, 2)
        for number, (before, after, cells) in enumerate([(256, 16, 64), (512, 32, 16), (1024, 64, 4)], 1):
            pool = nn.Sequential(nn.Conv2d(before, after, 1, bias=False), nn.AvgPool2d(7))
            self.add_module(f"lda{number}_pool", pool)
            self.add_module(f"lda{number}_fc", nn.Linear(after * cells, 16))
        self.lda4_fc = nn.Linear(2048, 224 - 48)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = nn.functional.max_pool2d(self.bn1(self.conv1(x)).relu(), 3, 2, 1)
        said = []
        for number in (1, 2, 3):
            x = getattr(self, f"layer{number}")(x)
            pooled = getattr(self, f"lda{number}_pool")(x)
            said.append(getattr(self, f"lda{number}_fc")(pooled.reshape(len(x), -1)))
        x = self.layer4(x)
        said.append(self.lda4_fc(x.mean((2, 3))))
        return x, torch.cat(said, 1)


class HyperNet(nn.Module):
    """The same names as the authors' weights have; each image's target network is a loop over images."""

    def __init__(self) -> None:
        super().__init__()
        self.res = Backbone()
        sizes = (2048, 1024, 512, 112)
        layers = [layer for a, b in pairwise(sizes) for layer in (nn.Conv2d(a, b, 1), nn.ReLU())]
        self.conv1 = nn.Sequential(*layers)
        for number, (before, after) in enumerate([(224, 112), (112, 56), (56, 28), (28, 14)], 1):
            self.add_module(f"fc{number}w_conv", nn.Conv2d(112, before * after // 49, 3, padding=1))
            self.add_module(f"fc{number}b_fc", nn.Linear(112, after))
        self.fc5w_fc, self.fc5b_fc = nn.Linear(112, 14), nn.Linear(112, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        deep, vectors = self.res(pictures)
        features = self.conv1(deep)
        return torch.stack([self.judge(f, v) for f, v in zip(features, vectors, strict=True)])

    def judge(self, feature: Tensor, vector: Tensor) -> Tensor:
        pooled = feature.mean((1, 2))
        for number in (1, 2, 3, 4):
            bias = getattr(self, f"fc{number}b_fc")(pooled)
            weight = getattr(self, f"fc{number}w_conv")(feature[None]).reshape(len(bias), len(vector))
            vector = torch.sigmoid(weight @ vector + bias)
        return self.fc5w_fc(pooled) @ vector + self.fc5b_fc(pooled)[0]


def random_hyper_net(seed: int = 0) -> HyperNet:
    """Random weights whose answers differ from image to image."""
    torch.manual_seed(seed)
    net = HyperNet().eval()
    for name, tensor in net.state_dict().items():
        if name.endswith("running_mean"):
            tensor.normal_(0, 0.05)
        elif name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5)
        elif name.endswith("weight") and tensor.ndim == 4:
            nn.init.kaiming_normal_(tensor, nonlinearity="relu")
        elif name.endswith("bn3.weight"):
            tensor.fill_(0.3)
    return net


def save_hyper_net(path: Path, seed: int = 0) -> HyperNet:
    """The same, saved to a safetensors file."""
    from safetensors.torch import save_file

    net = random_hyper_net(seed)
    save_file({name: tensor.contiguous() for name, tensor in net.state_dict().items()}, path)
    return net
