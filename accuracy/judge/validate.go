package judge

import (
	"context"
	"math"
	"runtime"
	"slices"
	"time"

	"nas/accuracy"
	"nas/accuracy/benchmark"
	"nas/blocks"
	"nas/internal/fault"
	"nas/internal/random"
	"nas/internal/stat"
)

// Options are the settings of [Validate]. The zero value is usable.
type Options struct {
	Seed      uint64          // of the proxies, of rankmean's sample and of the bootstrap
	Split     benchmark.Split // "" means AllNetworks
	Recipe    string          // class of training recipes that the fitted estimate is for; "" means base
	Workers   int             // networks scored at once; 0 means as many as processors
	Bootstrap int             // resamples behind the intervals; 0 means 200, negative none
	Trained   []int           // networks that surrogate is fitted to; nil means 10, 50 and 200
	Draws     int             // of them; 0 means 20

	NASWOT, Zen accuracy.Sampling // of those proxies

	// Choose returns the indices of the n different rows that surrogate is fitted to in
	// one of the draws. It sees their combined rank as score, not their accuracy. Nil
	// chooses them at random.
	Choose func(rows []Judged, n, draw int) []int
}

// Judged is one trained network and what a proxy said of it.
type Judged = stat.Judged

// Report is what [Validate] finds; its JSON form is that of
// nas validate accuracy --json.
type Report struct {
	Benchmark string                  `json:"benchmark"`
	Source    string                  `json:"source"`
	Split     benchmark.Split         `json:"split"`
	Networks  int                     `json:"networks"`
	Proxies   map[string]*ProxyReport `json:"proxies"`

	// FewShot judges the surrogate, which is fitted to a part of the networks.
	FewShot []FewShotReport `json:"few_shot,omitempty"`

	// Rows are the networks that the figures were computed from, by proxy, for a plot.
	Rows map[string][]Judged `json:"-"`
	// Scores are what a proxy said of the rows, by proxy.
	Scores map[string][]accuracy.Score `json:"-"`
}

// ProxyReport judges one proxy. Intervals are 90 %, from resampling networks.
type ProxyReport struct {
	KendallTau   float64    `json:"kendall_tau"`
	Spearman     float64    `json:"spearman"`
	SameCostTau  *float64   `json:"same_cost_tau"` // null for fewer than 20 networks
	RegretMean   float64    `json:"regret_mean"`   // points
	RegretWorst  float64    `json:"regret_worst"`
	MsPerNetwork float64    `json:"ms_per_network"` // of one processor
	TauInterval  [2]float64 `json:"kendall_tau_interval"`
	SameInterval [2]float64 `json:"same_cost_tau_interval"`

	// NearMACs judges the pairs of one recipe whose MACs differ by at most a tenth.
	NearMACs *PairReport `json:"pairs_within_10_pct_macs"`
	// OneThing judges the pairs that differ in squeeze-and-excite, activations or kernel
	// sizes alone, by the trait in which they differ.
	OneThing map[string]PairReport `json:"pairs_that_differ_in_one_thing,omitempty"`
	// GroupTau is Kendall's tau within each family of networks.
	GroupTau map[string]float64 `json:"group_kendall_tau,omitempty"`
	// OneThingList lists the pairs of OneThing that differ in one trait; nil if there are
	// more than a hundred.
	OneThingList []Pair `json:"one_thing_pairs,omitempty"`

	// MAE, Bias (of the estimates) and Coverage are given for estimates in per cent on
	// ImageNet results by full recipes, and on a table of the user's own.
	MAE      *float64 `json:"mae_pct,omitempty"`
	Bias     *float64 `json:"bias_pct,omitempty"`
	Coverage *float64 `json:"interval_coverage_pct,omitempty"`

	// Note says what else must be known to read the figures.
	Note string `json:"note,omitempty"`
}

// Validate scores the networks of a benchmark by each proxy and compares the
// scores with the trained accuracies.
//
// The fitted estimate has seen the built-in ImageNet tables. It is therefore
// judged there by estimates of models that had not: on accel by those of its
// five folds, on published and grids by models fitted without the network's family.
func Validate(ctx context.Context, b *benchmark.Benchmark, specs []string, o Options) (*Report, error) {
	o = o.WithDefaults()
	if err := o.Check(b, specs); err != nil {
		return nil, err
	}
	rows, err := b.Split(o.Split)
	if err != nil {
		return nil, err
	}
	r := &Report{Benchmark: b.Name, Source: b.Source, Split: o.Split, Networks: len(rows),
		Proxies: map[string]*ProxyReport{}, Rows: map[string][]Judged{}, Scores: map[string][]accuracy.Score{}}
	for _, spec := range specs {
		if spec == "surrogate" {
			r.FewShot, err = FewShot(ctx, b, o)
		} else {
			err = r.judge(ctx, b, rows, spec, o)
		}
		if err != nil {
			return nil, err
		}
	}
	return r, nil
}

// judge scores the rows of a benchmark by one proxy.
func (report *Report) judge(
	ctx context.Context, b *benchmark.Benchmark, rows []benchmark.Row, spec string, o Options,
) error {
	p := &ProxyReport{}
	var scores []accuracy.Score
	start := time.Now()
	if estimates := heldOut[b.Name]; spec == "imagenet" && estimates != nil {
		held, err := estimates(b)
		if err != nil {
			return err
		}
		p.Note, p.MAE, p.Coverage = held.note, held.mae, held.coverage
		for i, r := range b.Rows {
			if o.Split.Has(r.ID) {
				scores = append(scores, accuracy.Score{Value: held.values[i], Low: math.NaN(), High: math.NaN()})
			}
		}
	} else {
		e, err := accuracy.NewContext(ctx, spec, o.estimator(b))
		if err != nil {
			return err
		}
		start = time.Now()
		if scores, err = accuracy.ScoreAll(ctx, e, networks(rows), o.Workers); err != nil {
			return err
		}
		if e.Info().Unit == "pct" && !slices.Contains(benchmark.Names(), b.Name) {
			p.level(rows, scores)
		}
	}
	workers := o.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	p.MsPerNetwork = time.Since(start).Seconds() * 1e3 * float64(min(workers, len(rows))) / float64(len(rows))
	values := accuracy.Values(scores)
	judged := make([]Judged, len(rows))
	for i, r := range rows {
		judged[i] = Judged{ID: r.ID, MACs: r.MACs, Truth: r.Truth, Score: values[i]}
	}
	p.correlate(judged, o)
	near := nearPairs(rows, values)
	p.NearMACs, p.GroupTau = &near, groupTaus(rows, values)
	var list []Pair
	if p.OneThing, list = oneThingPairs(rows, scores); len(list) <= mostPairs {
		p.OneThingList = list
	}
	report.Proxies[spec], report.Rows[spec], report.Scores[spec] = p, judged, scores
	return nil
}

// level compares estimates in per cent, and their intervals, with the trained accuracies.
func (p *ProxyReport) level(rows []benchmark.Row, scores []accuracy.Score) {
	var mae, bias, inside float64
	n := float64(len(rows))
	for i, s := range scores {
		e := s.Value - rows[i].Truth
		mae, bias = mae+math.Abs(e)/n, bias+e/n
		if s.Low <= rows[i].Truth && rows[i].Truth <= s.High {
			inside += 100 / n
		}
	}
	p.MAE, p.Bias, p.Coverage = &mae, &bias, &inside
}

// correlate fills in the figures over all networks.
func (p *ProxyReport) correlate(rows []Judged, o Options) {
	x, y := columns(rows)
	p.KendallTau, p.Spearman = stat.KendallTau(x, y), stat.Spearman(x, y)
	if same := stat.SameCostTau(rows); !math.IsNaN(same) {
		p.SameCostTau = &same
	}
	p.RegretMean, p.RegretWorst = stat.Regret(rows)
	n := o.Bootstrap
	if n < 0 {
		return
	}
	r := random.Stream(o.Seed, "bootstrap")
	taus, sames := make([]float64, n), make([]float64, n)
	sample := make([]Judged, len(rows))
	for k := range n {
		for i := range sample {
			sample[i] = rows[r.IntN(len(rows))]
		}
		x, y := columns(sample)
		taus[k] = stat.KendallTau(x, y)
		if p.SameCostTau != nil {
			sames[k] = stat.SameCostTau(sample)
		}
	}
	p.TauInterval, p.SameInterval = inner90(taus), inner90(sames)
}

func columns(rows []Judged) (score, truth []float64) {
	for _, r := range rows {
		score, truth = append(score, r.Score), append(truth, r.Truth)
	}
	return score, truth
}

// inner90 returns the 5 % and 95 % quantiles.
func inner90(v []float64) [2]float64 {
	slices.Sort(v)
	at := func(q float64) float64 { return v[min(int(q*float64(len(v))), len(v)-1)] }
	return [2]float64{at(0.05), at(0.95)}
}

// networks are those of the rows.
func networks(rows []benchmark.Row) []*blocks.Network {
	nets := make([]*blocks.Network, len(rows))
	for i := range rows {
		nets[i] = rows[i].Network
	}
	return nets
}

// Check says whether a benchmark has enough networks for the options and proxies, before time is spent.
func (o Options) Check(b *benchmark.Benchmark, specs []string) error {
	o = o.WithDefaults()
	rows, err := b.Split(o.Split)
	if err != nil {
		return err
	}
	if len(rows) < 3 {
		return fault.Errorf("accuracy: benchmark %s has %d networks in split %s; 3 are the least that can be ranked",
			b.Name, len(rows), o.Split)
	}
	if !slices.Contains(specs, "surrogate") {
		return nil
	}
	return o.checkFewShot(len(rows))
}

// WithDefaults returns the options with their defaults.
func (o Options) WithDefaults() Options {
	if o.Split == "" {
		o.Split = benchmark.AllNetworks
	}
	if o.Bootstrap == 0 {
		o.Bootstrap = 200
	}
	if o.Trained == nil {
		o.Trained = []int{10, 50, 200}
	}
	if o.Draws == 0 {
		o.Draws = 20
	}
	return o
}

// estimator returns the settings of the estimators. The networks of rankmean's scale
// are a random sample of the benchmark; their accuracies are not looked at.
func (o Options) estimator(b *benchmark.Benchmark) accuracy.Options {
	e := accuracy.Options{Seed: o.Seed, Recipe: o.Recipe, Workers: o.Workers, NASWOT: o.NASWOT, Zen: o.Zen}
	r := random.Stream(o.Seed, "scale")
	for _, i := range r.Perm(len(b.Rows))[:min(accuracy.ReferenceSize, len(b.Rows))] {
		e.Reference = append(e.Reference, b.Rows[i].Network)
	}
	return e
}
