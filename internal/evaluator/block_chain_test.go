package evaluator

import (
	"context"
	"math/rand/v2"
	"reflect"
	"testing"

	"nas/search"
)

// TestEvaluateBlockChain compares the values of a candidate that is judged block by
// block, with and without what is kept of its blocks, with those of its network.
func TestEvaluateBlockChain(t *testing.T) {
	s := mobileSetup(t)
	sp := s.Space
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
		want, err := s.Judge(context.Background(), net)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			got, err := s.Evaluate(context.Background(), search.Candidate{Arch: a, ArchID: a.ID()})
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("%v:\nby its blocks %+v\nas a whole    %+v", a, got, want)
			}
		}
	}
}
