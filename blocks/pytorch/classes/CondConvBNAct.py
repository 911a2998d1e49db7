class CondConvBNAct(nn.Module):
    """ConvBNAct with weights mixed from experts, by shares made of the input's global mean."""

    def __init__(self, cin, cout, experts, kernel=1, stride=1, dilation=1, groups=1, act=nn.Identity, eps=1e-05):
        super().__init__()
        padding = dilation * (kernel - 1) // 2
        self.routing = nn.Linear(cin, experts)
        self.conv = CondConv(experts, cin, cout, kernel, stride, padding, dilation, groups)
        self.bn = nn.BatchNorm2d(cout, eps=eps)
        self.act = act()

    def forward(self, x):
        shares = torch.sigmoid(self.routing(x.mean((2, 3))))
        return self.act(self.bn(self.conv(x, shares)))
