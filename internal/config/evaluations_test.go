package config

import (
	"strings"
	"testing"
)

func TestEvaluations(t *testing.T) {
	for _, c := range []struct {
		text                         string // of the config
		most, budget, window, trials int
	}{
		{"", 4000, 4000, 0, 80_000},
		{"[accuracy]\nproxy = \"imagenet\"\n", 200_000, 0, 5000, 400_000},
		{"[search]\nevaluations = \"plateau\"\nplateau = 70\n", 200_000, 0, 70, 400_000},
		{"[search]\nevaluations = 30\nplateau = 7\n", 30, 30, 7, 600},
		{"[accuracy]\nproxy = \"imagenet\"\n[search]\nevaluations = 50\n", 50, 50, 0, 1000},
	} {
		d := decode(t, c.text+small)
		text, err := d.Encode()
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range []*Config{d, decode(t, string(text))} {
			s := &d.Search
			if s.Most() != c.most || s.Budget() != c.budget || s.Window() != c.window || s.Trials != c.trials {
				t.Errorf("%q: at most %d, budget %d, window %d, trials %d; want %+v",
					c.text, s.Most(), s.Budget(), s.Window(), s.Trials, c)
			}
		}
	}
	for _, wrong := range []string{`"plateaus"`, "0", "-1", "1.5", "2e9", "true"} {
		_, err := Decode("x.toml", []byte("[search]\nevaluations = "+wrong+"\n"+small))
		if err == nil || !strings.Contains(err.Error(), `want "plateau" or a whole number`) {
			t.Errorf("evaluations = %s: %v", wrong, err)
		}
	}
}

func TestSetEvaluations(t *testing.T) {
	for _, c := range []struct {
		before       Search
		text         string
		most, trials int
	}{
		{Search{Evaluations: 1000, Trials: 8000}, "500", 500, 8000},
		{Search{Evaluations: 4000, Trials: 80_000}, "5000", 5000, 100_000},
		{Search{Evaluations: 400, Trials: 8000}, "plateau", 200_000, 400_000},
		{Search{Evaluations: 1e9, Trials: 1}, "plateau", 200_000, 1},
	} {
		s := c.before
		if err := s.SetEvaluations(c.text); err != nil || s.Most() != c.most || s.Trials != c.trials {
			t.Errorf("%s: at most %d of %d trials (%v), want %+v", c.text, s.Most(), s.Trials, err, c)
		}
	}
	if err := new(Search).SetEvaluations("-4"); err == nil {
		t.Error("-4 is accepted")
	}
}
