class Affine(nn.Module):
    """x * scale + shift; None stands for one learned value for each channel."""

    def __init__(self, channels, scale=1.0, shift=0.0):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(channels, 1, 1)) if scale is None else scale
        self.shift = nn.Parameter(torch.zeros(channels, 1, 1)) if shift is None else shift

    def forward(self, x):
        return x * self.scale + self.shift
