package run

import (
	"context"
	"math/rand/v2"
	"reflect"
	"testing"

	"nas/search"
)

// TestEvaluateInPieces compares what a candidate is judged to be by its pieces,
// remembered or not, with the judgement on its network.
func TestEvaluateInPieces(t *testing.T) {
	e, sp, _ := mobileEvaluator(t)
	r := rand.New(rand.NewPCG(5, 6))
	g := sp.Sample(r)
	for i := range 60 {
		if i%20 == 0 {
			g = sp.Sample(r)
		}
		g = sp.Mutate(g, r) // shares most blocks with the one before
		a := sp.Arch(g)
		net, err := a.Network()
		if err != nil {
			t.Fatal(err)
		}
		want, err := e.judge(context.Background(), net)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			got, err := e.Evaluate(context.Background(), search.Candidate{Arch: a, ArchID: a.ID()})
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("%v:\nin pieces %+v\nwhole     %+v", a, got, want)
			}
		}
	}
}
