package search_test

import (
	"testing"

	"nas/search"
	"nas/search/searchtest"
)

func TestConformance(t *testing.T) {
	for _, name := range search.Algorithms() {
		t.Run(name, func(t *testing.T) {
			searchtest.Conformance(t, func(u search.Setup) (search.Searcher, error) {
				s := search.Settings{Setup: u}
				if name == "surrogate_nsga2" {
					s.LookAhead = 16 // fewer fits
				}
				return search.New(name, s)
			}, name == "random" || name == "exhaustive")
		})
	}
}
