package audit

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"nas/accuracy"
	"nas/internal/runtest"
	"nas/internal/work"
	"nas/space"
)

func TestGroupGenes(t *testing.T) {
	genes := []space.Gene{
		{Name: "stage[1].depth", Key: "depth", Choices: []string{"1", "2"}},
		{Name: "stage[1].block[1].kernel", Key: "kernel", Choices: []string{"3", "5"}},
		{Name: "stage[1].block[2].kernel", Key: "kernel", Choices: []string{"3", "5"}},
		{Name: "stage[2].block[1].kernel", Key: "kernel", Choices: []string{"3", "5"}},
		{Name: "stage[3].block[1].kernel", Key: "kernel", Choices: []string{"3", "7"}},
	}
	for _, c := range []struct {
		byStage bool
		names   []string
		genes   [][]int
	}{
		{true, []string{"stage[1].depth", "stage[1].kernel", "stage[2].kernel", "stage[3].kernel"},
			[][]int{{0}, {1, 2}, {3}, {4}}},
		{false, []string{"depth", "kernel", "kernel"}, [][]int{{0}, {1, 2, 3}, {4}}}, // other choices make another group
	} {
		var names []string
		var of [][]int
		for _, g := range groupGenes(genes, c.byStage) {
			names, of = append(names, g.name), append(of, g.genes)
		}
		if !reflect.DeepEqual(names, c.names) || !reflect.DeepEqual(of, c.genes) {
			t.Errorf("by stage %v: %v of %v, want %v of %v", c.byStage, names, of, c.names, c.genes)
		}
	}
}

func TestCheapest(t *testing.T) {
	choices := []string{"3", "5", "7"}
	for _, c := range []struct {
		name   string
		costs  choiceCosts
		choice string
		saving float64
	}{
		{"never read", choiceCosts{}, "", 0},
		{"the middle one", choiceCosts{[]float64{0, -math.Ln2, math.Ln2}, 1}, "5", 75},
		{"over two networks", choiceCosts{[]float64{-math.Ln2, 0, math.Ln2}, 2}, "3", 50},
		{"all alike", choiceCosts{[]float64{0, 0, 0}, 4}, "3", 0},
	} {
		if choice, saving := c.costs.cheapest(choices); choice != c.choice || math.Abs(saving-c.saving) > 1e-9 {
			t.Errorf("%s: %q saves %v %%, want %q and %v %%", c.name, choice, saving, c.choice, c.saving)
		}
	}
}

// TestNoiseOf: what all networks share between seeds is no noise.
func TestNoiseOf(t *testing.T) {
	for _, c := range []struct {
		name   string
		scores [][]float64 // a row for each seed
		want   float64
	}{
		{"no seed", nil, 0},
		{"shared", [][]float64{{1, 5}, {2, 6}, {9, 13}}, 0},
		{"own", [][]float64{{1, -1}, {-1, 1}}, math.Sqrt2},
	} {
		if got := noiseOf(c.scores); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%s: noise %v, want %v", c.name, got, c.want)
		}
	}
}

// TestCompareChoices has a score that tells kernel 3 from 5, but takes 7 for 5.
func TestCompareChoices(t *testing.T) {
	nets := batch{scores: []float64{1, 2, 2, 3, 5, 5}, ms: []float64{1, 1.5, 2, 2, 3, 4}}
	group := geneGroup{key: "kernel", choices: []string{"3", "5", "7"}}
	swaps := []swap{{0, 1, 2}, {3, 4, 5}}
	rows := compareChoices(group, swaps, &nets, accuracy.Info{}, 0)
	want := []ChoiceRow{
		{Choice: "3"},
		{Choice: "5", ScoreMean: 1.5, LatencyPct: 50},
		{Choice: "7", ScoreMean: 1.5, LatencyPct: 100, Like: "5"},
	}
	if !reflect.DeepEqual(rows, want) {
		t.Errorf("%+v, want %+v", rows, want)
	}
	capped := accuracy.Info{Caps: map[accuracy.Trait]float64{accuracy.KernelSize: 3}}
	for v, like := range []string{"", "3", "3"} {
		if row := compareChoices(group, swaps, &nets, capped, 0)[v]; row.Like != like || (row.Why == "") != (like == "") {
			t.Errorf("capped at 3: kernel %s is like %q because %q", row.Choice, row.Like, row.Why)
		}
	}
}

// TestWarnBlind: one line for each blind gene of the space, none where nobody listens.
func TestWarnBlind(t *testing.T) {
	const text = `[space]
input = [32, 32, 3]
classes = 10
[[space.stage]]
block = "mbconv"
channels = 16
depth = 2
dilation = [1, 2]
se = [0, 0.25]
[accuracy]
proxy = "params"
`
	var said []string
	s := runtest.Setup(t, text, work.Options{Say: func(line string) { said = append(said, line) }})
	said = nil
	keys, err := Blind(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if err := WarnBlind(t.Context(), s, keys); err != nil {
		t.Fatal(err)
	}
	want := "the score cannot see dilation in stage 1: the search will take the cheapest, dilation = "
	if len(said) != 1 || len(said[0]) < len(want) || said[0][:len(want)] != want {
		t.Errorf("said %q, want %q", said, want)
	}
}

func TestPlaces(t *testing.T) {
	for want, p := range map[string]places{
		"":                        {0, 2},
		" in stage 3":             {3, 3},
		" in stages 2-4":          {4, 2, 3, 3},
		" in stages 1 and 3":      {3, 1},
		" in stages 1-2, 4 and 6": {1, 2, 4, 6},
	} {
		if got := p.String(); got != want {
			t.Errorf("%v is %q, want %q", []int(p), got, want)
		}
	}
	if a, b := placeOf("stage[12].block[3].kernel"), placeOf("resolution"); a != 12 || b != 0 {
		t.Errorf("stages are %d and %d, want 12 and 0", a, b)
	}
}

// Warnings that differ in the stage alone are one.
func TestBlindWarningsMerge(t *testing.T) {
	var ws blindWarnings
	ws.add(geneGroup{key: "activation", places: places{2}}, "relu6", 3)
	ws.add(geneGroup{key: "activation", places: places{3, 4}}, "relu6", 4.1)
	ws.add(geneGroup{key: "activation", places: places{5}}, "relu", 1)
	if len(ws) != 2 {
		t.Fatalf("%d warnings: %v", len(ws), ws)
	}
	const want = "the score cannot see activation in stages 2-4: the search will take the cheapest, activation = relu6, " +
		"which saves 3.0 to 4.1 % of the latency each time (nas space --audit says more)"
	if got := ws[0].String(); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// TestBlindIsMeasured: the fitted estimate does not declare that ReLU scores like ReLU6, and says that dilation
// costs a charge. Neither is seen.
func TestBlindIsMeasured(t *testing.T) {
	const text = `[space]
input = [224, 224, 3]
classes = 1000
[[space.stage]]
channels = 24
stride = 2
depth = [1, 2]
kernel = [3, 5]
[[space.stage]]
channels = 40
stride = 2
activation = ["relu", "relu6"]
dilation = [1, 2]
depth = 2
se = [0, 0.25]
[[space.stage]]
channels = 96
stride = 2
depth = 3
[accuracy]
proxy = "imagenet"
`
	s := runtest.Setup(t, text, work.Options{})
	keys, err := Blind(t.Context(), s)
	slices.Sort(keys)
	if want := []string{"activation", "dilation"}; err != nil || !slices.Equal(keys, want) {
		t.Errorf("blind are %v (%v), want %v", keys, err, want)
	}
}
