class Bottleneck(nn.Module):
    """1x1, KxK and 1x1 convolutions around a shortcut (He et al., CVPR 2016)."""

    def __init__(self, cin, inner, cout, kernel=3, stride=1, dilation=1, groups=1, act=nn.ReLU, project=False):
        super().__init__()
        self.reduce = ConvBNAct(cin, inner, act=act)
        self.conv = ConvBNAct(inner, inner, kernel, stride, dilation, groups, act=act)
        self.expand = ConvBNAct(inner, cout)
        self.shortcut = ConvBNAct(cin, cout, stride=stride) if project else nn.Identity()
        self.act = act()

    def forward(self, x):
        return self.act(self.expand(self.conv(self.reduce(x))) + self.shortcut(x))
