"""AlexNet, VGG-16, LPIPS, DISTS and Inception written a second time, the plain way, with random weights."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812


def alexnet() -> nn.Sequential:
    """torchvision's `alexnet().features`."""
    return nn.Sequential(
        nn.Conv2d(3, 64, 11, 4, 2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(64, 192, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(192, 384, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(256, 256, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
    )


def vgg16() -> nn.Sequential:
    """torchvision's `vgg16().features`, by its configuration D."""
    layers: list[nn.Module] = []
    before = 3
    for width in (64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M"):
        if width == "M":
            layers.append(nn.MaxPool2d(2, 2))
        else:
            layers += [nn.Conv2d(before, int(width), 3, padding=1), nn.ReLU()]
            before = int(width)
    return nn.Sequential(*layers)


TAPS = {"alex": (1, 4, 7, 9, 11), "vgg": (3, 8, 15, 22, 29)}
"""Numbers of the layers whose output LPIPS compares."""
CHANNELS = {"alex": (64, 192, 384, 256, 256), "vgg": (64, 128, 256, 512, 512)}


def seeded(layers: nn.Module, seed: int = 0) -> nn.Module:
    """Random weights that keep signals alive through many layers."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in layers.parameters():
        fan = parameter[0].numel() if parameter.ndim > 1 else 1000
        parameter.data = torch.randn(parameter.shape, generator=generator) * (2 / fan) ** 0.5
    return layers.eval()


def backbone_file(kind: str) -> tuple[nn.Sequential, dict[str, Tensor]]:
    """The layers, and the file as torchvision publishes it: with the classifier's tensors, made small."""
    layers = seeded(alexnet() if kind == "alex" else vgg16())
    tensors = {f"features.{name}": tensor for name, tensor in layers.state_dict().items()}
    return layers, tensors | {"classifier.6.weight": torch.zeros(2, 2), "classifier.6.bias": torch.zeros(2)}


def heads_file(kind: str, seed: int = 1) -> dict[str, Tensor]:
    """The file of LPIPS's own weights, as alex.pth and vgg.pth of version 0.1."""
    generator = torch.Generator().manual_seed(seed)
    return {
        f"lin{n}.model.1.weight": torch.rand(1, channels, 1, 1, generator=generator)
        for n, channels in enumerate(CHANNELS[kind])
    }


def plain_lpips(kind: str, layers: nn.Sequential, heads: dict[str, Tensor], x: Tensor, y: Tensor) -> float:
    """LPIPS by its definition, on levels 0 to 1."""
    shift, scale = torch.tensor([-0.030, -0.088, -0.188]), torch.tensor([0.458, 0.448, 0.450])

    def features(image: Tensor) -> Iterator[Tensor]:
        value = (image * 2 - 1 - shift.view(1, 3, 1, 1)) / scale.view(1, 3, 1, 1)
        for number, layer in enumerate(layers):
            value = layer(value)
            if number in TAPS[kind]:
                yield F.normalize(value, dim=1)

    total = 0.0
    with torch.no_grad():
        for n, (a, b) in enumerate(zip(features(x), features(y), strict=True)):
            total += F.conv2d((a - b) ** 2, heads[f"lin{n}.model.1.weight"]).mean().item()
    return total


def dists_file(seed: int = 2) -> dict[str, Tensor]:
    """The file of DISTS's own weights, as weights.pt."""
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.rand(1, 1475, 1, 1, generator=generator) for name in ("alpha", "beta")}


def plain_dists(layers: nn.Sequential, own: dict[str, Tensor], x: Tensor, y: Tensor) -> float:
    """DISTS by its definition, channel after channel, on levels 0 to 1."""
    kernel = torch.hann_window(5, periodic=False)[1:-1]
    kernel = torch.outer(kernel, kernel) / torch.outer(kernel, kernel).sum()

    def pooled(value: Tensor) -> Tensor:
        padded = F.pad(value**2, (1, 1, 1, 1))
        windows = padded.unfold(2, 3, 2).unfold(3, 3, 2)
        return ((windows * kernel).sum((-1, -2)) + 1e-12).sqrt()

    def features(image: Tensor) -> list[Tensor]:
        mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
        found, value = [image], (image - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1)
        for number, layer in enumerate(layers):
            value = pooled(value) if isinstance(layer, nn.MaxPool2d) else layer(value)
            if number in TAPS["vgg"]:
                found.append(value)
        return found

    similar, at = 0.0, 0
    with torch.no_grad():
        for one, other in zip(features(x), features(y), strict=True):
            for a, b in zip(one[0], other[0], strict=True):
                texture = (2 * a.mean() * b.mean() + 1e-6) / (a.mean() ** 2 + b.mean() ** 2 + 1e-6)
                both = torch.cov(torch.stack([a.flatten(), b.flatten()]), correction=0)
                structure = (2 * both[0, 1] + 1e-6) / (both[0, 0] + both[1, 1] + 1e-6)
                similar += (own["alpha"][0, at] * texture + own["beta"][0, at] * structure).item()
                at += 1
    return 1 - similar / (own["alpha"].sum() + own["beta"].sum()).item()


class Conv(nn.Module):
    def __init__(self, before: int, after: int, **how: object) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, bias=False, **how)  # type: ignore[arg-type]
        self.bn = nn.BatchNorm2d(after, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


class A(nn.Module):
    def __init__(self, inside: int, pool: int) -> None:
        super().__init__()
        self.branch1x1 = Conv(inside, 64, kernel_size=1)
        self.branch5x5_1 = Conv(inside, 48, kernel_size=1)
        self.branch5x5_2 = Conv(48, 64, kernel_size=5, padding=2)
        self.branch3x3dbl_1 = Conv(inside, 64, kernel_size=1)
        self.branch3x3dbl_2 = Conv(64, 96, kernel_size=3, padding=1)
        self.branch3x3dbl_3 = Conv(96, 96, kernel_size=3, padding=1)
        self.branch_pool = Conv(inside, pool, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        pooled = F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
        return torch.cat(
            [
                self.branch1x1(x),
                self.branch5x5_2(self.branch5x5_1(x)),
                self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x))),
                self.branch_pool(pooled),
            ],
            1,
        )


class B(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.branch3x3 = Conv(288, 384, kernel_size=3, stride=2)
        self.branch3x3dbl_1 = Conv(288, 64, kernel_size=1)
        self.branch3x3dbl_2 = Conv(64, 96, kernel_size=3, padding=1)
        self.branch3x3dbl_3 = Conv(96, 96, kernel_size=3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        twice = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch3x3(x), twice, F.max_pool2d(x, 3, 2)], 1)


class C(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        across, down = {"kernel_size": (1, 7), "padding": (0, 3)}, {"kernel_size": (7, 1), "padding": (3, 0)}
        self.branch1x1 = Conv(768, 192, kernel_size=1)
        self.branch7x7_1 = Conv(768, width, kernel_size=1)
        self.branch7x7_2 = Conv(width, width, **across)
        self.branch7x7_3 = Conv(width, 192, **down)
        self.branch7x7dbl_1 = Conv(768, width, kernel_size=1)
        self.branch7x7dbl_2 = Conv(width, width, **down)
        self.branch7x7dbl_3 = Conv(width, width, **across)
        self.branch7x7dbl_4 = Conv(width, width, **down)
        self.branch7x7dbl_5 = Conv(width, 192, **across)
        self.branch_pool = Conv(768, 192, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        pooled = F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
        return torch.cat(
            [
                self.branch1x1(x),
                self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x))),
                self.branch7x7dbl_5(self.branch7x7dbl_4(y)),
                self.branch_pool(pooled),
            ],
            1,
        )


class D(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.branch3x3_1 = Conv(768, 192, kernel_size=1)
        self.branch3x3_2 = Conv(192, 320, kernel_size=3, stride=2)
        self.branch7x7x3_1 = Conv(768, 192, kernel_size=1)
        self.branch7x7x3_2 = Conv(192, 192, kernel_size=(1, 7), padding=(0, 3))
        self.branch7x7x3_3 = Conv(192, 192, kernel_size=(7, 1), padding=(3, 0))
        self.branch7x7x3_4 = Conv(192, 192, kernel_size=3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        y = self.branch7x7x3_2(self.branch7x7x3_1(x))
        parts = [
            self.branch3x3_2(self.branch3x3_1(x)),
            self.branch7x7x3_4(self.branch7x7x3_3(y)),
            F.max_pool2d(x, 3, 2),
        ]
        return torch.cat(parts, 1)


class E(nn.Module):
    def __init__(self, inside: int, largest: bool) -> None:
        super().__init__()
        self.largest = largest
        self.branch1x1 = Conv(inside, 320, kernel_size=1)
        self.branch3x3_1 = Conv(inside, 384, kernel_size=1)
        self.branch3x3_2a = Conv(384, 384, kernel_size=(1, 3), padding=(0, 1))
        self.branch3x3_2b = Conv(384, 384, kernel_size=(3, 1), padding=(1, 0))
        self.branch3x3dbl_1 = Conv(inside, 448, kernel_size=1)
        self.branch3x3dbl_2 = Conv(448, 384, kernel_size=3, padding=1)
        self.branch3x3dbl_3a = Conv(384, 384, kernel_size=(1, 3), padding=(0, 1))
        self.branch3x3dbl_3b = Conv(384, 384, kernel_size=(3, 1), padding=(1, 0))
        self.branch_pool = Conv(inside, 192, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        once, twice = self.branch3x3_1(x), self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        if self.largest:
            pooled = F.max_pool2d(x, 3, stride=1, padding=1)
        else:
            pooled = F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
        parts = [
            self.branch1x1(x),
            self.branch3x3_2a(once),
            self.branch3x3_2b(once),
            self.branch3x3dbl_3a(twice),
            self.branch3x3dbl_3b(twice),
            self.branch_pool(pooled),
        ]
        return torch.cat(parts, 1)


class Inception(nn.Module):
    """The network of pytorch-fid's file: `fid_inception_v3`."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = Conv(3, 32, kernel_size=3, stride=2)
        self.Conv2d_2a_3x3 = Conv(32, 32, kernel_size=3)
        self.Conv2d_2b_3x3 = Conv(32, 64, kernel_size=3, padding=1)
        self.Conv2d_3b_1x1 = Conv(64, 80, kernel_size=1)
        self.Conv2d_4a_3x3 = Conv(80, 192, kernel_size=3)
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = A(192, 32), A(256, 64), A(288, 64)
        self.Mixed_6a = B()
        self.Mixed_6b, self.Mixed_6c, self.Mixed_6d, self.Mixed_6e = C(128), C(160), C(160), C(192)
        self.Mixed_7a = D()
        self.Mixed_7b, self.Mixed_7c = E(1280, largest=False), E(2048, largest=True)
        self.fc = nn.Linear(2048, 1008)

    def forward(self, image: Tensor) -> Tensor:
        x = F.interpolate(image, size=(299, 299), mode="bilinear", align_corners=False) * 2 - 1
        x = F.max_pool2d(self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x))), 3, stride=2)
        x = F.max_pool2d(self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(x)), 3, stride=2)
        for name in ("5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e", "7a", "7b", "7c"):
            x = getattr(self, f"Mixed_{name}")(x)
        return F.adaptive_avg_pool2d(x, 1).flatten(1)


def seeded_inception(seed: int = 3) -> Inception:
    """Random weights, and statistics of its batch normalisations that are not those of an untrained network."""
    network = seeded(Inception(), seed)
    assert isinstance(network, Inception)
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.weight.data = torch.rand(module.weight.shape, generator=generator) + 0.5
            module.bias.data = torch.rand(module.bias.shape, generator=generator) - 0.5
            module.running_mean = torch.rand(module.weight.shape, generator=generator) - 0.5
            module.running_var = torch.rand(module.weight.shape, generator=generator) + 0.5
    return network
