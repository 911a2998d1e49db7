package timing

import (
	"math"
	"testing"
	"unsafe"

	"nas/blocks"
	"nas/blocks/zoo"
)

// With batch normalisation folded every layer has the spread of He's rule, and
// the tensors take less than half the memory of their values.
func TestTimingWeightsFollowHeAndShareMemory(t *testing.T) {
	n, err := zoo.Get("mobilenet_v2")
	if err != nil {
		t.Fatal(err)
	}
	w := RandomWeights(n)
	if err := w.Check(n); err != nil {
		t.Fatal(err)
	}
	seen, all := map[*float32]int{}, 0
	for i := range n.Nodes {
		for _, v := range w.Node(i) {
			p := unsafe.SliceData(v)
			seen[p] = max(seen[p], len(v))
			all += len(v)
		}
	}
	held := 0
	for _, l := range seen {
		held += l
	}
	if 2*held > all {
		t.Errorf("%d values hold %d", held, all)
	}
	f, w := blocks.FoldBatchNorm(n, w)
	for i, nd := range f.Nodes {
		for k, p := range f.Params(i) {
			if p.Init != blocks.InitHe || p.Len() < 1000 {
				continue
			}
			ss := 0.0
			for _, x := range w.Node(i)[k] {
				ss += float64(x) * float64(x)
			}
			got, want := math.Sqrt(ss/float64(p.Len())), math.Sqrt(2/float64(p.FanIn))
			if math.Abs(got/want-1) > 0.1 {
				t.Errorf("%s: standard deviation %.4g, He's is %.4g", nd.Name, got, want)
			}
		}
	}
}
