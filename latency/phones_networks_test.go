package latency

import (
	"encoding/csv"
	"math"
	"os"
	"strconv"
	"testing"

	"nas/blocks"
	"nas/blocks/zoo"
)

// phoneNetwork builds a network that was measured on the phones.
func phoneNetwork(t testing.TB, name string) *blocks.Network {
	t.Helper()
	known := map[string]string{
		"mnasnet_b1": "mnasnet_b1", "proxylessnas_gpu": "proxyless_gpu", "squeezenet_v1_1": "squeezenet_1_1",
	}
	if spec, ok := known[name]; ok {
		n, err := zoo.Get(spec)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	d := newDraft(name)
	family, width := splitWidth(name)
	switch family {
	case "mobilenet":
		mobileNet(d, width)
	case "fdmobilenet":
		fdMobileNet(d, width)
	case "mobilenetv2":
		mobileNetV2(d, width)
	case "mobilenetv3_small":
		mobileNetV3(d, v3Small, 576, width)
	case "mobilenetv3_large":
		mobileNetV3(d, v3Large, 960, width)
	case "efficientnet_edge_small_b":
		efficientNetEdge(d, 1, 1)
	case "efficientnet_edge_large_b":
		efficientNetEdge(d, 1.2, 1.4)
	case "ghostnet":
		ghostNet(d)
	case "resnet10", "resnet18", "seresnet10", "seresnet18":
		resNet(d, map[bool]int{true: 1, false: 2}[family[len(family)-2:] == "10"], width, family[0] == 's')
	case "resnext14_16x4d":
		resNeXt(d, 16, 4)
	case "resnext14_32x4d":
		resNeXt(d, 32, 4)
	case "densenet121":
		denseNet121(d)
	case "peleenet":
		peleeNet(d)
	default:
		r, ok := regNets[family]
		if !ok {
			t.Fatalf("%s is not built here", name)
		}
		regNet(d, r.first, r.slope, r.ratio, r.depth, r.group, family[6] == 'y')
	}
	return d.network(t)
}

var regNets = map[string]struct {
	first, slope, ratio float64
	depth, group        int
}{
	"regnetx002": {24, 36.44, 2.49, 13, 8}, "regnetx004": {24, 24.48, 2.54, 22, 16},
	"regnetx008": {56, 35.73, 2.28, 16, 16}, "regnetx016": {80, 34.01, 2.25, 18, 24},
	"regnety002": {24, 36.44, 2.49, 13, 8}, "regnety004": {48, 27.89, 2.09, 16, 8},
	"regnety006": {48, 32.54, 2.32, 15, 16}, "regnety008": {56, 38.84, 2.4, 14, 16},
	"regnety016": {48, 20.71, 2.65, 27, 24},
}

// publishedOf counts a network as the table of the measurements does: two operations a multiply-accumulate, one for
// each bias, value of a pooling's window or of a product, two for a hard-swish; and the values of its weights, with
// batch normalisation folded into the convolution before it.
func publishedOf(n *blocks.Network) (flops, weights float64) {
	for i := range n.Nodes {
		nd, in := &n.Nodes[i], n.InShapes(i)
		out := float64(nd.Shape.Elems())
		flops += 2 * float64(nd.Op.MACs(in))
		switch op := nd.Op.(type) {
		case *blocks.Conv:
			weights += float64(nd.Op.MACs(in)) / float64(nd.Shape.Pixels())
			if op.Bias {
				flops, weights = flops+out, weights+float64(nd.Shape.C)
			}
		case *blocks.Linear:
			flops, weights = flops+out, weights+float64(nd.Op.MACs(in))+out
		case *blocks.BatchNorm:
			weights += float64(nd.Shape.C)
		case *blocks.GlobalPool:
			flops += float64(in[0].Elems())
		case *blocks.Pool:
			window := float64(op.Kernel[0] * op.Kernel[1])
			if op.Pool == blocks.AvgPool {
				window *= window
			}
			flops += window * out
		case *blocks.Mul:
			flops += out
		case *blocks.Activation:
			if op.Func == blocks.HSwish && nd.Shape.Pixels() > 1 {
				flops += 2 * out
			}
		}
	}
	return flops, weights
}

// TestPhoneNetworksAreExact holds every rebuilt network against what was published of it.
func TestPhoneNetworksAreExact(t *testing.T) {
	for _, row := range phoneRows(t, "testdata/phones_networks.csv") {
		n := phoneNetwork(t, row[0])
		wantFLOPs, _ := strconv.ParseFloat(row[1], 64)
		size, _ := strconv.ParseFloat(row[2], 64)
		flops, weights := publishedOf(n)
		if r := wantFLOPs/flops - 1; math.Abs(r) > 1e-4 {
			t.Errorf("%s: %.0f FLOPs instead of %.0f: %+.3f %%", row[0], flops, wantFLOPs, 100*r)
		}
		// The graph takes some hundred bytes an op; grouped convolutions are stored without a bias.
		if r := size/4/weights - 1; r < -0.002 || r > 0.016 {
			t.Errorf("%s: a file of %.0f bytes for %.0f weights: %+.2f %%", row[0], size, weights, 100*r)
		}
	}
}

// phoneRows reads a table without its header.
func phoneRows(t testing.TB, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:]
}
