class InvertedResidual(nn.Module):
    """1x1 expansion, depthwise convolution, 1x1 projection (Sandler et al., CVPR 2018)."""

    def __init__(
        self, cin, cout, expanded=None, kernel=3, stride=1, dilation=1, act=nn.ReLU6, project_act=nn.Identity,
        attention=None, residual=False
    ):
        super().__init__()
        inner = expanded or cin
        self.expand = ConvBNAct(cin, expanded, act=act) if expanded else nn.Identity()
        self.depthwise = ConvBNAct(inner, inner, kernel, stride, dilation, groups=inner, act=act)
        self.attention = nn.Identity() if attention is None else attention
        self.project = ConvBNAct(inner, cout, act=project_act)
        self.residual = residual

    def forward(self, x):
        y = self.project(self.attention(self.depthwise(self.expand(x))))
        return y + x if self.residual else y
