class FusedInvertedResidual(nn.Module):
    """One standard convolution that expands, and a 1x1 projection (EfficientNetV2, Tan and Le, ICML 2021)."""

    def __init__(
        self, cin, cout, expanded, kernel=3, stride=1, dilation=1, act=nn.SiLU, attention=None, residual=False
    ):
        super().__init__()
        self.fused = ConvBNAct(cin, expanded, kernel, stride, dilation, act=act)
        self.attention = nn.Identity() if attention is None else attention
        self.project = ConvBNAct(expanded, cout)
        self.residual = residual

    def forward(self, x):
        y = self.project(self.attention(self.fused(x)))
        return y + x if self.residual else y
