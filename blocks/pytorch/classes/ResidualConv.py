class ResidualConv(nn.Module):
    """A convolution, batch normalisation and activation, added to what they read."""

    def __init__(self, channels, kernel=3, dilation=1, groups=1, act=nn.ReLU):
        super().__init__()
        self.conv = ConvBNAct(channels, channels, kernel, dilation=dilation, groups=groups, act=act)

    def forward(self, x):
        return self.conv(x) + x
