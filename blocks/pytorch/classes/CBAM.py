class CBAM(nn.Module):
    """A gate on channels, then one on pixels (Woo et al., ECCV 2018)."""

    def __init__(self, channels, hidden, kernel=7, act=nn.ReLU, gate=nn.Sigmoid):
        super().__init__()
        self.reduce = nn.Conv2d(channels, hidden, 1, bias=False)
        self.act = act()
        self.expand = nn.Conv2d(hidden, channels, 1, bias=False)
        self.spatial = nn.Conv2d(2, 1, kernel, padding=kernel // 2, bias=False)
        self.gate = gate()

    def forward(self, x):
        mean, peak = x.mean((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)
        hidden = self.act(self.reduce(mean)) + self.act(self.reduce(peak))
        x = x * self.gate(self.expand(hidden))
        maps = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], dim=1)
        return x * self.gate(self.spatial(maps))
