class CondConv(nn.Module):
    """Convolution whose weights are mixed for each image by the shares of its experts (Yang et al., NeurIPS 2019)."""

    def __init__(self, experts, cin, cout, kernel, stride=1, padding=0, dilation=1, groups=1):
        super().__init__()
        kh, kw = kernel if isinstance(kernel, tuple) else (kernel, kernel)
        self.weight = nn.Parameter(torch.empty(experts, cout, cin // groups, kh, kw))
        nn.init.normal_(self.weight, std=(2 / (kh * kw * cin // groups)) ** 0.5)
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups

    def forward(self, x, shares):
        n, c, h, w = x.shape
        weight = torch.einsum("ne,eoikl->noikl", shares, self.weight).flatten(0, 1)
        # The images stand side by side as groups of one convolution.
        y = F.conv2d(x.reshape(1, n * c, h, w), weight, None, self.stride, self.padding, self.dilation, n * self.groups)
        return y.view(n, -1, y.shape[2], y.shape[3])
