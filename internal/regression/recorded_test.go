package regression

import (
	"encoding/csv"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// recorded is the log ratios of one network against itself that testdata/busy.csv holds, without their mean order.
func recorded(t *testing.T) (logs []float64) {
	t.Helper()
	f, err := os.Open("testdata/busy.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		a, err1 := strconv.ParseFloat(row[0], 64)
		b, err2 := strconv.ParseFloat(row[1], 64)
		if err1 != nil || err2 != nil {
			t.Fatal(row)
		}
		logs = append(logs, math.Log(a/b))
	}
	return logs
}

// resampled continues a recording without end: stretches of 20 pairs, each as it was recorded but for the lot that
// gives every pair its order, and scaled.
func resampled(logs []float64, scale float64, r *rand.Rand) func() float64 {
	at, left := 0, 0
	return func() float64 {
		if left == 0 {
			at, left = r.IntN(len(logs)-20), 20
		}
		v := logs[at]
		at, left = at+1, left-1
		if r.IntN(2) == 0 {
			v = -v
		}
		return scale * v
	}
}

// TestRecordedNoise carries out checks over the noise of a very busy machine, and over the same noise a fifth as
// large. It counts the verdicts on a network that takes so much longer than its baseline.
func TestRecordedNoise(t *testing.T) {
	const checks, pairs, tolerance = 200, 200, 0.03
	logs := recorded(t)
	for _, c := range []struct {
		name         string
		scale, ratio float64
		found        float64 // share with the verdict slower, at least
	}{
		{"very busy", 1, 1, 0}, {"very busy", 1, 1.05, 0}, {"very busy", 1, 1.1, 0.8},
		{"less busy", 0.2, 1, 0}, {"less busy", 0.2, 1.03, 0.5}, {"less busy", 0.2, 1.05, 0.8}, {"less busy", 0.2, 1.1, 0.95},
	} {
		verdicts := map[Word]int{}
		asked := 0
		for k := range checks {
			next := resampled(logs, c.scale, rand.New(rand.NewPCG(uint64(k), 3)))
			r, n := decide(func() float64 { return math.Log(c.ratio) + next() }, pairs, tolerance)
			verdicts[r.Verdict]++
			asked += n
		}
		wrong := verdicts[Faster]
		switch {
		case c.ratio == 1:
			wrong += verdicts[Slower]
		case c.ratio > 1+tolerance:
			wrong += verdicts[Same]
		}
		t.Logf("%s, ratio %.2f: %v after %d pairs in the mean, %d wrong", c.name, c.ratio, verdicts, asked/checks, wrong)
		if wrong > checks/20 {
			t.Errorf("%s, ratio %.2f: %d of %d verdicts are wrong: %v", c.name, c.ratio, wrong, checks, verdicts)
		}
		if found := float64(verdicts[Slower]) / checks; found < c.found {
			t.Errorf("%s, ratio %.2f: found in %.2f, want %.2f", c.name, c.ratio, found, c.found)
		}
	}
}
