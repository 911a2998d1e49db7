package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRanking(t *testing.T) {
	r := Ranking{Title: "score", Score: "naswot", Series: []RankingSeries{
		{Name: "v1", Points: []Point{{X: 70, Y: 1}, {X: 72, Y: 1}}}, {Name: "v2", Points: []Point{{X: 71, Y: 1}}}}}
	file := filepath.Join(t.TempDir(), "r.svg") // all of one score: the axis still has an extent
	if err := Save(file, r); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"trained accuracy", "naswot", "v1 (2)", "v2 (1)"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the plot does not say %q", want)
		}
	}
	if err := Save(file, Ranking{}); err == nil {
		t.Error("a plot of nothing is no error")
	}
}
