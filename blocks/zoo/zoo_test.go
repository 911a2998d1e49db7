package zoo

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"nas/blocks"
)

// specs translates the names of testdata. Those of MobileNetV1 and V2 end in
// the width.
var specs = map[string]string{
	"alexnet_torchvision(one-weird-trick)":   "alexnet_owt",
	"alexnet_2012(grouped)":                  "alexnet",
	"mobilenet_v3_large":                     "mobilenet_v3_large",
	"mobilenet_v3_small":                     "mobilenet_v3_small",
	"efficientnet_b0":                        "efficientnet_b0",
	"efficientnet_b1":                        "efficientnet_b1",
	"efficientnet_b2":                        "efficientnet_b2",
	"efficientnet_b4":                        "efficientnet_b4",
	"xception":                               "xception",
	"inception_v3(no aux)":                   "inception_v3",
	"resnet50":                               "resnet50",
	"fast_scnn_19":                           "fast_scnn",
	"deeplabv3_mobilenet_v3_large_21":        "deeplabv3_mobilenet_v3_large",
	"deeplabv3_mobilenet_v2_os16_no_aspp_21": "deeplabv3_mobilenet_v2",
	"deeplabv3_mobilenet_v2_os16_aspp_21":    "deeplabv3_mobilenet_v2@aspp=true",
}

func specOf(t *testing.T, model, input string) string {
	name, ok := specs[model]
	old := strings.HasPrefix(model, "mobilenet_v1_") || strings.HasPrefix(model, "mobilenet_v2_")
	if i := strings.LastIndexByte(model, '_'); !ok && i > 0 && old {
		return fmt.Sprintf("%s@width=%s,res=%s", model[:i], model[i+1:], input)
	}
	if !ok {
		t.Errorf("no spec for %q of testdata", model)
		return ""
	}
	sep := "@"
	if strings.Contains(name, "@") {
		sep = ","
	}
	return name + sep + "res=" + input
}

func table(t *testing.T, file string) []map[string]string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	ms := make([]map[string]string, len(rows)-1)
	for i, r := range rows[1:] {
		ms[i] = map[string]string{}
		for k, v := range r {
			ms[i][rows[0][k]] = v
		}
	}
	return ms
}

func TestTotals(t *testing.T) {
	for _, row := range table(t, "testdata/totals.csv") {
		spec := specOf(t, row["model"], row["input"])
		if spec == "" {
			continue
		}
		n, err := Get(spec)
		if err != nil {
			t.Error(err)
			continue
		}
		c := n.Counts()
		if p, m := fmt.Sprint(c.Params), fmt.Sprint(c.MACs); p != row["params_used_in_forward"] || m != row["macs"] {
			t.Errorf("%s: %s params, %s MACs, want %s, %s", spec, p, m, row["params_used_in_forward"], row["macs"])
		}
		var bn, depthwise, layers int64
		for _, l := range n.Layers() {
			switch {
			case l.Op == "bn":
				bn += l.Params
			case l.Op == "conv" && l.Groups == l.In.C && l.Groups > 1:
				depthwise += l.MACs
				layers++
			case l.Op == "conv" || l.Op == "linear":
				layers++
			}
		}
		for column, got := range map[string]int64{"bn_params": bn, "macs_depthwise": depthwise, "n_weight_layers": layers} {
			if want := row[column]; want != "" && fmt.Sprint(got) != want {
				t.Errorf("%s: %s is %d, want %s", spec, column, got, want)
			}
		}
	}
}

// layerKey is what a row of layers.csv says of a layer but its name.
func layerKey(n *blocks.Network, i int) (string, bool) {
	nd := n.Nodes[i]
	in := n.InShapes(i)
	var params int64
	for _, p := range nd.Op.Params(in) {
		if !p.Moving {
			params += int64(p.Len())
		}
	}
	s := in
	switch o := nd.Op.(type) {
	case *blocks.Conv:
		k, st, d := o.Window()
		kind := "conv"
		if o.Depthwise(s[0].C) {
			kind = "dwconv"
		} else if o.G() > 1 {
			kind = "gconv"
		}
		bias := 0
		if o.Bias {
			bias = 1
		}
		return fmt.Sprint(kind, k, st[0], o.Pad.Top, d[0], o.G(), s[0], nd.Shape, bias, params, o.MACs(in)), true
	case *blocks.BatchNorm:
		return fmt.Sprint("bn", [2]int{}, 1, 0, 1, 1, s[0], nd.Shape, 0, params, 0), true
	case *blocks.Linear:
		return fmt.Sprint("linear", [2]int{1, 1}, 1, 0, 1, 1, blocks.Shape{H: 1, W: 1, C: s[0].Elems()}, nd.Shape, 1,
			params, o.MACs(in)), true
	}
	return "", false
}

func TestLayers(t *testing.T) {
	num := func(s string) int {
		v, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	var order []string
	want := map[string][]string{}
	model, input := "", ""
	for _, r := range table(t, "testdata/layers.csv") {
		if r["model"] != model || r["c_in"] == "3" {
			model, input = r["model"], r["h_in"]+"x"+r["w_in"]
			order = append(order, model+" "+input)
		}
		in := blocks.Shape{H: num(r["h_in"]), W: num(r["w_in"]), C: num(r["c_in"])}
		out := blocks.Shape{H: num(r["h_out"]), W: num(r["w_out"]), C: num(r["c_out"])}
		g := num(r["groups"])
		if r["type"] == "bn" {
			g = 1
		}
		key := fmt.Sprint(r["type"], [2]int{num(r["kh"]), num(r["kw"])}, num(r["stride"]), num(r["padding"]),
			num(r["dilation"]), g, in, out, num(r["bias"]), num(r["params"]), num(r["macs"]))
		want[model+" "+input] = append(want[model+" "+input], key)
	}
	for _, id := range order {
		cut := strings.LastIndexByte(id, ' ')
		spec := specOf(t, id[:cut], id[cut+1:])
		if spec == "" {
			continue
		}
		n, err := Get(spec)
		if err != nil {
			t.Error(err)
			continue
		}
		var got []string
		for i := range n.Nodes {
			if key, ok := layerKey(n, i); ok {
				got = append(got, key)
			}
		}
		// The table lists modules as they are declared, which for branches is not
		// the order of the ops.
		w := slices.Clone(want[id])
		slices.Sort(got)
		slices.Sort(w)
		if !slices.Equal(got, w) {
			t.Errorf("%s: layers differ: %s", spec, difference(got, w))
		}
	}
}

func difference(got, want []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d rows, want %d", len(got), len(want))
	for _, p := range []struct {
		word   string
		of, in []string
	}{{"too many", got, want}, {"missing", want, got}} {
		count := map[string]int{}
		for _, k := range p.of {
			count[k]++
		}
		for _, k := range p.in {
			count[k]--
		}
		for k, c := range count {
			if c > 0 {
				fmt.Fprintf(&b, "\n  %s: %d x %s", p.word, c, k)
			}
		}
	}
	return b.String()
}

// TestMACs are exact counts, to the digits given here, of networks that testdata
// lacks.
func TestMACs(t *testing.T) {
	for spec, want := range map[string]float64{
		"mnasnet_b1":             314.42e6,
		"mnasnet_b1@width=0.5":   104.46e6,
		"mnasnet_b1@width=0.75":  215.49e6,
		"mnasnet_b1@width=1.3":   526.36e6,
		"efficientnet_b3":        1827.1e6,
		"efficientnet_b5":        10266.4e6,
		"efficientnet_b6":        19067.6e6,
		"efficientnet_b7":        37745.9e6,
		"mobilenet_v2@width=1.3": 509.37e6,
		"mobilenet_v2@width=0.5": 97.13e6,
	} {
		n, err := Get(spec)
		if err != nil {
			t.Error(err)
			continue
		}
		digit := 0.01e6
		if want > 1000e6 {
			digit = 0.1e6
		}
		if got := float64(n.Counts().MACs); math.Abs(got-want) > digit/2 {
			t.Errorf("%s: %.0f MACs, want %.0f", spec, got, want)
		}
	}
}

// TestFigures: a published count that is more than 1 % from ours, or given to
// the unit and not ours, must say why.
func TestFigures(t *testing.T) {
	for _, e := range Entries() {
		accuracy := 0
		for _, f := range e.Figures {
			if f.Source == "" {
				t.Errorf("%s: a figure without source: %+v", e.Name, f)
			}
			spec := e.Name
			if f.Options != "" {
				spec += "@" + f.Options
			}
			n, err := Get(spec)
			if err != nil {
				t.Error(err)
				continue
			}
			var ours float64
			switch f.Quantity {
			case "params":
				ours = float64(n.Counts().Params)
			case "macs":
				ours = float64(n.Counts().MACs)
			case "top1_pct", "top5_pct", "miou_pct", "map_pct":
				if accuracy++; !(f.Value > 10 && f.Value < 100) {
					t.Errorf("%s: %+v is no per cent", spec, f)
				}
				continue
			default:
				t.Errorf("%s: unknown quantity %q", spec, f.Quantity)
				continue
			}
			if f.Value == math.Trunc(f.Value) && math.Mod(f.Value, 1000) != 0 && f.Value != ours && f.Note == "" {
				t.Errorf("%s: %s is published as %.0f, counted as %.0f", spec, f.Quantity, f.Value, ours)
			}
			if off := math.Abs(ours/f.Value - 1); off > 0.01 && f.Note == "" {
				t.Errorf("%s: %s is published as %v, counted as %v: %.1f %% apart without a note", spec, f.Quantity, f.Value,
					ours, 100*off)
			}
		}
		if accuracy == 0 {
			t.Errorf("%s has no published accuracy", e.Name)
		}
	}
}

// TestKeywordSpotting: the model of MLPerf Tiny has a bias in front of each of its nine batch normalisations.
func TestKeywordSpotting(t *testing.T) {
	n, err := Get("ds_cnn")
	if err != nil {
		t.Fatal(err)
	}
	if c := n.Counts(); c.Params != 23756-9*64 || c.MACs != 125*(10*4+4*(9+64))*64+64*12 {
		t.Errorf("%d params, %d MACs", c.Params, c.MACs)
	}
	gray, err := Get("mobilenet_v1@width=0.25,res=96,classes=2,channels=1")
	if err != nil {
		t.Fatal(err)
	}
	colour, err := Get("mobilenet_v1@width=0.25,res=96,classes=2")
	if err != nil {
		t.Fatal(err)
	}
	const want = 2 * 9 * 8
	d := colour.Counts().Params - gray.Counts().Params
	if d != want || gray.Input() != (blocks.Shape{H: 96, W: 96, C: 1}) {
		t.Errorf("with %v there are %d fewer params, want %d", gray.Input(), d, want)
	}
}

// TestTimm: the counts of timm have two decimals in millions of parameters and 10^9 multiply-accumulates. The latter
// include two operations for each value that is batch-normalised and one for each that is pooled.
func TestTimm(t *testing.T) {
	for _, e := range Entries() {
		for _, f := range e.Figures {
			if f.Source != "timm" {
				continue
			}
			n, err := Get(strings.TrimSuffix(e.Name+"@"+f.Options, "@"))
			if err != nil {
				t.Error(err)
				continue
			}
			got, unit := float64(n.Counts().Params), 1e6
			if f.Quantity == "macs" {
				got, unit = float64(n.Counts().MACs), 1e9
				for i, nd := range n.Nodes {
					switch nd.Op.(type) {
					case *blocks.BatchNorm:
						got += 2 * float64(nd.Shape.Elems())
					case *blocks.GlobalPool:
						got += float64(n.InShapes(i)[0].Elems())
					}
				}
			}
			if math.Abs(got-f.Value) > 0.005001*unit {
				t.Errorf("%s: %s is %.0f, timm says %.4g", n.Name, f.Quantity, got, f.Value)
			}
		}
	}
}

func TestEveryEntryBuilds(t *testing.T) {
	names := map[string]bool{}
	for _, e := range Entries() {
		if names[e.Name] || e.Paper == "" || len(e.Options) == 0 {
			t.Errorf("entry %q: taken name, or no paper or options", e.Name)
		}
		names[e.Name] = true
		n, err := Get(e.Name)
		if err != nil {
			t.Error(err)
			continue
		}
		if n.Name != e.Name {
			t.Errorf("%s is called %s", e.Name, n.Name)
		}
		if err := n.Infer(); err != nil {
			t.Errorf("%s: %v", e.Name, err)
		}
		stage := 0
		for _, nd := range n.Nodes[1:] {
			if nd.Stage < stage {
				t.Errorf("%s: node %s goes back from stage %d to %d", e.Name, nd.Name, stage, nd.Stage)
			}
			stage = nd.Stage
		}
		if stage == 0 {
			t.Errorf("%s: nodes carry no stages", e.Name)
		}
	}
}

func TestSpecs(t *testing.T) {
	for spec, want := range map[string]string{
		"mobilenet_v2":                                "mobilenet_v2",
		"mobilenet_v2@width=1.0":                      "mobilenet_v2",
		"mobilenet_v2@res=192,width=0.750":            "mobilenet_v2@width=0.75,res=192",
		"mobilenet_v2@res=224x224":                    "mobilenet_v2",
		"mobilenet_v2@res=192x224":                    "mobilenet_v2@res=192x224",
		"mobilenet_v3_large@classes=10,res=96":        "mobilenet_v3_large@res=96,classes=10",
		"mobilenet_v1@width=0.05,res=16":              "mobilenet_v1@width=0.05,res=16",
		"mobilenet_v3_small_minimalistic@res=8192x16": "mobilenet_v3_small_minimalistic@res=8192x16",
	} {
		n, err := Get(spec)
		if err != nil || n.Name != want {
			t.Errorf("%s gives %v, %v, want %s", spec, n, err, want)
			continue
		}
		if m, err := Get(n.Name); err != nil || m.Counts() != n.Counts() {
			t.Errorf("%s does not read back: %v", n.Name, err)
		}
	}
	for spec, words := range map[string][]string{
		"":                               {"no network"},
		"mobilnet_v2":                    {`"mobilnet_v2"`, "mobilenet_v2"},
		"mobilenet_v2@":                  {"width", "res", "classes"},
		"mobilenet_v2@wdth=1":            {`"wdth"`, "width", "0.05 to 10"},
		"mobilenet_v2@width=0":           {`"0"`, "0.05 to 10"},
		"mobilenet_v2@width=NaN":         {"0.05 to 10"},
		"mobilenet_v2@width":             {"0.05 to 10"},
		"mobilenet_v2@res=12":            {"16 to 8192"},
		"mobilenet_v2@res=224x":          {"16 to 8192"},
		"mobilenet_v2@res=99999999999":   {"16 to 8192"},
		"mobilenet_v2@width=1,width=1":   {"twice"},
		"mobilenet_v2@width=9x,depth=3,": {"9x", "depth", `""`},
	} {
		_, err := Get(spec)
		if err == nil {
			t.Errorf("%s is accepted", spec)
			continue
		}
		for _, w := range append(words, "zoo: ") {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: error %q does not say %q", spec, err, w)
			}
		}
	}
}

// Below width 1 the published MobileNetV3 keeps its last layer and scales by
// ratios: 3.99 M params and 155 M MACs at 0.75, as timm and the slim README have it.
func TestMobileNetV3BelowWidthOne(t *testing.T) {
	n, err := Get("mobilenet_v3_large@width=0.75")
	if err != nil {
		t.Fatal(err)
	}
	if c := n.Counts(); c.Params != 3993528 || c.MACs != 154560624 {
		t.Errorf("%+v", c)
	}
	for _, l := range n.Layers() {
		if l.Name == "head.hidden" && l.Out.C != 1280 {
			t.Errorf("the last layer has %d channels, want 1280", l.Out.C)
		}
	}
}
