class ConvBNAct(nn.Module):
    """Convolution, batch normalisation, activation. Without padding given, stride 1 keeps the extent."""

    def __init__(
        self, cin, cout, kernel=1, stride=1, dilation=1, groups=1, padding=None, bias=False, act=nn.Identity, eps=1e-05
    ):
        super().__init__()
        if padding is None:
            padding = dilation * (kernel - 1) // 2
        self.conv = nn.Conv2d(cin, cout, kernel, stride, padding, dilation, groups, bias=bias)
        self.bn = nn.BatchNorm2d(cout, eps=eps)
        self.act = act()

    def forward(self, x):
        return self.act(self.bn(self.conv(x)))
