package imagenet

import (
	"math"
	"testing"

	gonum "gonum.org/v1/gonum/stat"

	"nas/accuracy/benchmark"
)

// TestRecipePairs holds the shifts to networks that were published with two
// classes of recipes.
func TestRecipePairs(t *testing.T) {
	m, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	rows, err := benchmark.Open("published")
	if err != nil {
		t.Fatal(err)
	}
	link := map[string]map[string]float64{} // by arch, by class
	for _, r := range rows.Rows {
		of := r.ID[:len(r.ID)-len(r.Recipe)]
		if link[of] == nil {
			link[of] = map[string]float64{}
		}
		link[of][r.Recipe] = -math.Log(m.Ceiling - r.Truth)
	}
	for _, c := range []struct {
		class string
		pairs int
	}{{benchmark.AugmentedRecipe, 12}, {benchmark.StrongRecipe, 7}} {
		var gains []float64
		for _, of := range link {
			if base, ok := of[benchmark.BaseRecipe]; ok && of[c.class] != 0 {
				gains = append(gains, of[c.class]-base)
			}
		}
		mean, sd := gonum.MeanStdDev(gains, nil)
		t.Logf("%s: %d pairs, gain %.4f, standard error %.4f, sd %.4f", c.class, len(gains), mean,
			sd/math.Sqrt(float64(len(gains))), sd)
		if len(gains) < c.pairs {
			t.Errorf("%s: %d pairs, want %d", c.class, len(gains), c.pairs)
		}
		if math.Abs(mean-recipeShift[c.class]) > 0.002 {
			t.Errorf("%s: the pairs gain %.4f, the model says %.4f", c.class, mean, recipeShift[c.class])
		}
		if math.Abs(sd-recipeSpread[c.class]) > 0.005 {
			t.Errorf("%s: the pairs spread by %.4f, the model says %.4f", c.class, sd, recipeSpread[c.class])
		}
	}
}

func TestRecipes(t *testing.T) {
	m, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	base := Estimate{Top1Pct: 75, Low: 73, High: 77, Between: 0.5}
	last := base
	for i, name := range Recipes {
		r, err := m.Recipe(name)
		if err != nil {
			t.Fatal(err)
		}
		e := r.Apply(base)
		t.Logf("%s: %.2f (%.2f to %.2f), between %.2f", name, e.Top1Pct, e.Low, e.High, e.Between)
		if i == 0 {
			if e.Top1Pct != base.Top1Pct || e.Low != base.Low || e.High != base.High || e.Between != base.Between {
				t.Errorf("the base class changes %+v to %+v", base, e)
			}
			continue
		}
		if e.Top1Pct <= last.Top1Pct || e.Top1Pct > 78.5 {
			t.Errorf("%s: %.2f, want more than the %.2f of the class before, and at most 78.5", name, e.Top1Pct, last.Top1Pct)
		}
		if e.High-e.Low <= base.High-base.Low || e.Between >= base.Between {
			t.Errorf("%s: %+v must have a wider interval than %+v, and a smaller error of its own", name, e, base)
		}
		last = e
	}
	if _, err := m.Recipe("early"); err == nil {
		t.Error("early is accepted")
	}
}
