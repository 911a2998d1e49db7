class DepthwiseSeparable(nn.Module):
    """Depthwise convolution, then a pointwise one (Howard et al., MobileNets, 2017)."""

    def __init__(
        self, cin, cout, kernel=3, stride=1, dilation=1, multiplier=1, act=nn.ReLU, pointwise_act=nn.Identity,
        attention=None, residual=False
    ):
        super().__init__()
        inner = cin * multiplier
        self.depthwise = ConvBNAct(cin, inner, kernel, stride, dilation, groups=cin, act=act)
        self.attention = nn.Identity() if attention is None else attention
        self.pointwise = ConvBNAct(inner, cout, act=pointwise_act)
        self.residual = residual

    def forward(self, x):
        y = self.pointwise(self.attention(self.depthwise(x)))
        return y + x if self.residual else y
