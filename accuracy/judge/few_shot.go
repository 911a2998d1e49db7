package judge

import (
	"context"
	"math"
	"slices"

	gonum "gonum.org/v1/gonum/stat"

	"nas/accuracy"
	"nas/accuracy/benchmark"
	"nas/internal/fault"
	"nas/internal/random"
	"nas/internal/stat"
)

// FewShotReport is what surrogates are worth that were fitted to a number of
// networks drawn from a benchmark and judged on all others. Figures are means
// over the draws.
type FewShotReport struct {
	Trained     int     `json:"trained"`
	Draws       int     `json:"draws"`
	KendallTau  float64 `json:"kendall_tau"`
	Error       float64 `json:"kendall_tau_standard_error"` // of the mean, over draws
	SameCostTau float64 `json:"same_cost_tau"`
	RegretMean  float64 `json:"regret_mean"`
	RegretWorst float64 `json:"regret_worst"`      // mean over draws of the worst budget's
	PriorTau    float64 `json:"prior_kendall_tau"` // of the training-free score among the columns, on the same networks
	PriorRegret float64 `json:"prior_regret_mean"` // its regret
	Below       int     `json:"draws_below_prior"` // in how many the surrogate's mean regret is lower
}

// FewShot judges the surrogate on a benchmark: for each number of trained networks in
// o.Trained, o.Draws surrogates are fitted to that many networks of the split and
// judged on the others. The inputs of all networks are computed once.
func FewShot(ctx context.Context, b *benchmark.Benchmark, o Options) ([]FewShotReport, error) {
	o = o.WithDefaults()
	rows, err := b.Split(o.Split)
	if err != nil {
		return nil, err
	}
	if err := o.checkFewShot(len(rows)); err != nil {
		return nil, err
	}
	in, err := accuracy.NewSurrogateInputs(ctx, o.estimator(b))
	if err != nil {
		return nil, err
	}
	inputs, err := in.OfAll(ctx, networks(rows), o.Workers)
	if err != nil {
		return nil, err
	}
	var out []FewShotReport
	for i, n := range o.Trained {
		r := FewShotReport{Trained: n, Draws: o.Draws}
		taus := make([]float64, o.Draws)
		for d := range taus {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			accuracy.ReportProgress(ctx, "fit", i*o.Draws+d, len(o.Trained)*o.Draws)
			order := random.Stream(o.Seed<<16+uint64(d), "trained").Perm(len(rows))
			if o.Choose != nil {
				order = chosenFirst(o.Choose(byPrior(rows, inputs), n, d), len(rows))
			}
			if taus[d], err = r.add(in, rows, inputs, order, uint64(d)); err != nil {
				return nil, err
			}
		}
		var sd float64
		r.KendallTau, sd = gonum.MeanStdDev(taus, nil)
		if o.Draws > 1 {
			r.Error = sd / math.Sqrt(float64(o.Draws))
		}
		out = append(out, r)
	}
	return out, nil
}

// checkFewShot checks what a surrogate is fitted to, of so many networks.
func (o Options) checkFewShot(networks int) error {
	for _, n := range o.Trained {
		if n < accuracy.MinTrained || n > networks-3 || o.Draws < 1 {
			return fault.Errorf("accuracy: surrogate of %d trained networks in %d draws: "+
				"want %d to %d networks and a draw or more", n, o.Draws, accuracy.MinTrained, networks-3)
		}
	}
	return nil
}

// add fits a surrogate to the first r.Trained rows of an order, judges it on the
// others, adds a draw's share to the means of r and returns Kendall's tau.
func (r *FewShotReport) add(
	in *accuracy.SurrogateInputs, rows []benchmark.Row, inputs [][]float64, order []int, seed uint64,
) (tau float64, err error) {
	var fitted, rest [][]float64
	var top1 []float64
	for _, i := range order[:r.Trained] {
		fitted, top1 = append(fitted, inputs[i]), append(top1, rows[i].Truth)
	}
	s, err := in.Fit(fitted, top1, seed)
	if err != nil {
		return 0, err
	}
	var judged, prior []Judged
	for _, i := range order[r.Trained:] {
		j := Judged{ID: rows[i].ID, MACs: rows[i].MACs, Truth: rows[i].Truth, Score: inputs[i][0]}
		judged, prior = append(judged, j), append(prior, j)
		rest = append(rest, inputs[i])
	}
	for k, v := range s.Predict(rest) {
		judged[k].Score = v
	}
	score, truth := columns(judged)
	priorScore, _ := columns(prior)
	mean, worst := stat.Regret(judged)
	priorRegret, _ := stat.Regret(prior)
	if mean < priorRegret {
		r.Below++
	}
	share := 1 / float64(r.Draws)
	r.SameCostTau += share * stat.SameCostTau(judged)
	r.RegretMean += share * mean
	r.RegretWorst += share * worst
	r.PriorTau += share * stat.KendallTau(priorScore, truth)
	r.PriorRegret += share * priorRegret
	return stat.KendallTau(score, truth), nil
}

// byPrior returns the rows with their combined rank as score, accuracies left out.
func byPrior(rows []benchmark.Row, inputs [][]float64) []Judged {
	out := make([]Judged, len(rows))
	for i, r := range rows {
		out[i] = Judged{ID: r.ID, MACs: r.MACs, Score: inputs[i][0]}
	}
	return out
}

// chosenFirst returns 0 to n-1, the chosen ones in front.
func chosenFirst(chosen []int, n int) []int {
	order := slices.Clone(chosen)
	for i := range n {
		if !slices.Contains(chosen, i) {
			order = append(order, i)
		}
	}
	return order
}
