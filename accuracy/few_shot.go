package accuracy

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"nas/internal/stat"

	gonum "gonum.org/v1/gonum/stat"
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

// FewShot judges the surrogate on a benchmark: for each number of trained
// networks, draws of that many are fitted to and the rest of the split is ranked.
// Columns of all networks are computed once.
func FewShot(ctx context.Context, b *Benchmark, o ValidateOptions) ([]FewShotReport, error) {
	o = o.resolved()
	rows, err := b.Split(o.Split)
	if err != nil {
		return nil, err
	}
	s, err := newColumns(ctx, o.estimator(b))
	if err != nil {
		return nil, err
	}
	raw := make([][]float64, len(rows))
	err = forEach(ctx, len(rows), o.Workers, func(ctx context.Context, i int) (err error) {
		raw[i], err = s.row(ctx, rows[i].Network)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("accuracy: surrogate: %w", err)
	}
	var out []FewShotReport
	draws := o.Draws
	for _, n := range o.Trained {
		if n < minTrained || n > len(rows)-3 || draws < 1 {
			return nil, fmt.Errorf("accuracy: surrogate of %d trained networks in %d draws: want %d to %d networks and a draw or more", n, draws, minTrained, len(rows)-3)
		}
		r := FewShotReport{Trained: n, Draws: draws}
		taus := make([]float64, draws)
		for d := range draws {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			order := rand.New(rand.NewPCG(o.Seed<<16+uint64(d), 6)).Perm(len(rows))
			if o.Choose != nil {
				order = chosenFirst(o.Choose(byPrior(rows, raw), n, d), len(rows))
			}
			var in, rest [][]float64
			var y []float64
			for _, i := range order[:n] {
				in, y = append(in, raw[i]), append(y, rows[i].Truth)
			}
			fitted := *s
			if err := fitted.fit(in, y, uint64(d)); err != nil {
				return nil, err
			}
			judged, prior := make([]stat.Judged, 0, len(rows)-n), make([]stat.Judged, 0, len(rows)-n)
			for _, i := range order[n:] {
				judged = append(judged, stat.Judged{ID: rows[i].ID, MACs: rows[i].MACs, Truth: rows[i].Truth})
				prior = append(prior, stat.Judged{ID: rows[i].ID, MACs: rows[i].MACs, Truth: rows[i].Truth, Score: raw[i][0]})
				rest = append(rest, raw[i])
			}
			for k, v := range fitted.predict(rest) {
				judged[k].Score = v
			}
			x, y2 := columns(judged)
			taus[d] = stat.KendallTau(x, y2)
			mean, worst := stat.Regret(judged)
			x0, _ := columns(prior)
			free, _ := stat.Regret(prior)
			if mean < free {
				r.Below++
			}
			share := 1 / float64(draws)
			r.SameCostTau += share * stat.SameCostTau(judged)
			r.RegretMean += share * mean
			r.RegretWorst += share * worst
			r.PriorTau += share * stat.KendallTau(x0, y2)
			r.PriorRegret += share * free
		}
		var sd float64
		r.KendallTau, sd = gonum.MeanStdDev(taus, nil)
		if draws > 1 {
			r.Error = sd / math.Sqrt(float64(draws))
		}
		out = append(out, r)
	}
	return out, nil
}

// byPrior are the rows under the training-free score, accuracies left out.
func byPrior(rows []BenchmarkRow, raw [][]float64) []stat.Judged {
	out := make([]stat.Judged, len(rows))
	for i, r := range rows {
		out[i] = stat.Judged{ID: r.ID, MACs: r.MACs, Score: raw[i][0]}
	}
	return out
}

// chosenFirst is 0 to n-1, the chosen ones in front.
func chosenFirst(chosen []int, n int) []int {
	order := slices.Clone(chosen)
	for i := range n {
		if !slices.Contains(chosen, i) {
			order = append(order, i)
		}
	}
	return order
}
