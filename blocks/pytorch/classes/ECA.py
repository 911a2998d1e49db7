class ECA(nn.Module):
    """Weigh channels by a gate of one small kernel over their global means (Wang et al., CVPR 2020)."""

    def __init__(self, kernel, gate=nn.Sigmoid):
        super().__init__()
        self.conv = nn.Conv1d(1, 1, kernel, padding=kernel // 2, bias=False)
        self.gate = gate()

    def forward(self, x):
        mean = x.mean((2, 3)).unsqueeze(1)
        return x * self.gate(self.conv(mean)).squeeze(1)[:, :, None, None]
