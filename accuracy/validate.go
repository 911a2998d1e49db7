package accuracy

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"nas/blocks"
	"nas/internal/stat"
)

// Split is a part of a benchmark's networks.
type Split string

// The splits. A network's half is decided by a hash of its id. Formulas and
// settings of this package were chosen on the development half alone; the other
// half is for reporting.
const (
	AllNetworks Split = "all"
	Development Split = "development"
	HeldOut     Split = "held-out"
)

// ValidateOptions are the settings of [Validate]. The zero value is usable.
type ValidateOptions struct {
	Seed      uint64 // of the proxies, of rankmean's sample and of the bootstrap
	Split     Split  // "" means AllNetworks
	Workers   int    // networks scored at once; 0 means as many as processors
	Bootstrap int    // resamples behind the intervals; 0 means 200, negative none
	Trained   []int  // networks that surrogate is fitted to; nil means 10, 50 and 200
	Draws     int    // of them; 0 means 20
	NASWOT    NASWOT
	Zen       Zen

	// Choose, if not nil, chooses the n networks of a draw that surrogate is fitted
	// to, by their places among the rows; n different ones. It sees the
	// training-free score, not the accuracy. nil draws them at random.
	Choose func(rows []stat.Judged, n, draw int) []int
}

// Report is what [Validate] finds; its JSON form is that of
// nas validate accuracy --json.
type Report struct {
	Benchmark string                  `json:"benchmark"`
	Source    string                  `json:"source"`
	Split     Split                   `json:"split"`
	Networks  int                     `json:"networks"`
	Proxies   map[string]*ProxyReport `json:"proxies"`

	// FewShot judges the surrogate, which is fitted to a part of the networks.
	FewShot []FewShotReport `json:"few_shot,omitempty"`

	// Rows are what the figures were computed from, by proxy, for a plot.
	Rows map[string][]stat.Judged `json:"-"`
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

	// NearMACs judges the pairs of one recipe whose MACs differ by a tenth at
	// most, OneThing those of networks that differ in squeeze-and-excite,
	// activations or kernel sizes alone, by what that is; GroupTau is Kendall's
	// tau within each family of networks.
	NearMACs *PairReport           `json:"pairs_within_10_pct_macs"`
	OneThing map[string]PairReport `json:"pairs_that_differ_in_one_thing,omitempty"`
	GroupTau map[string]float64    `json:"group_kendall_tau,omitempty"`
	// OneThingList are the pairs that OneThing counts, but for those that differ in
	// several things; nil for more than a hundred.
	OneThingList []Pair `json:"one_thing_pairs,omitempty"`

	// MAE and Coverage are given for estimates in per cent on a benchmark of
	// ImageNet results by full recipes.
	MAE      *float64 `json:"mae_pct,omitempty"`
	Coverage *float64 `json:"interval_coverage_pct,omitempty"`

	// Note says what else must be known to read the figures.
	Note string `json:"note,omitempty"`
}

// Validate scores the networks of a benchmark by each proxy and compares the
// scores with the trained accuracies.
//
// The fitted estimate has seen the built-in ImageNet tables. It is therefore
// judged there by estimates of models that had not: on accel by those of its
// five folds, on published by models fitted without the network's family.
func Validate(ctx context.Context, b *Benchmark, specs []string, o ValidateOptions) (*Report, error) {
	if o.Split == "" {
		o.Split = AllNetworks
	}
	rows, err := b.split(o.Split)
	if err != nil {
		return nil, err
	}
	if len(rows) < 3 {
		return nil, fmt.Errorf("accuracy: benchmark %s has %d networks in split %s; 3 are the least that can be ranked", b.Name, len(rows), o.Split)
	}
	r := &Report{Benchmark: b.Name, Source: b.Source, Split: o.Split, Networks: len(rows), Proxies: map[string]*ProxyReport{}, Rows: map[string][]stat.Judged{}}
	nets := make([]*blocks.Network, len(rows))
	for i := range rows {
		nets[i] = rows[i].Network
	}
	for _, spec := range specs {
		if spec == "surrogate" {
			trained, draws := o.Trained, o.Draws
			if trained == nil {
				trained = []int{10, 50, 200}
			}
			if draws == 0 {
				draws = 20
			}
			if r.FewShot, err = FewShot(ctx, b, trained, draws, o); err != nil {
				return nil, err
			}
			continue
		}
		p := &ProxyReport{}
		var scores []float64
		var estimator Estimator // of the scores; nil where these are of several models
		start := time.Now()
		if spec == "imagenet" && b.heldOut != nil {
			held, err := b.heldOut(p)
			if err != nil {
				return nil, err
			}
			for i := range rows {
				scores = append(scores, held[rows[i].ID])
			}
		} else {
			e, err := NewContext(ctx, spec, Options{Seed: o.Seed, Workers: o.Workers, NASWOT: o.NASWOT, Zen: o.Zen, Reference: b.reference(o.Seed)})
			if err != nil {
				return nil, err
			}
			start, estimator = time.Now(), e
			if scores, err = ScoreAll(ctx, e, nets, o.Workers); err != nil {
				return nil, err
			}
		}
		workers := o.Workers
		if workers <= 0 {
			workers = runtime.GOMAXPROCS(0)
		}
		p.MsPerNetwork = time.Since(start).Seconds() * 1e3 * float64(min(workers, len(rows))) / float64(len(rows))
		judged := make([]stat.Judged, len(rows))
		for i := range rows {
			judged[i] = stat.Judged{ID: rows[i].ID, MACs: rows[i].MACs, Truth: rows[i].Truth, Score: scores[i]}
		}
		p.judge(judged, o)
		near := nearPairs(rows, scores)
		p.NearMACs, p.GroupTau = &near, groupTaus(rows, scores)
		var list []Pair
		if p.OneThing, list = oneThingPairs(rows, scores); len(list) <= mostPairs {
			if estimator != nil {
				if err := withIntervals(ctx, estimator, rows, list); err != nil {
					return nil, err
				}
			}
			p.OneThingList = list
		}
		r.Proxies[spec], r.Rows[spec] = p, judged
	}
	return r, nil
}

func (p *ProxyReport) judge(rows []stat.Judged, o ValidateOptions) {
	x, y := columns(rows)
	p.KendallTau, p.Spearman = stat.KendallTau(x, y), stat.Spearman(x, y)
	if same := stat.SameCostTau(rows); !math.IsNaN(same) {
		p.SameCostTau = &same
	}
	p.RegretMean, p.RegretWorst = stat.Regret(rows)
	n := o.Bootstrap
	if n == 0 {
		n = 200
	}
	if n < 0 {
		return
	}
	r := rand.New(rand.NewPCG(o.Seed, 4))
	taus, sames := make([]float64, n), make([]float64, n)
	sample := make([]stat.Judged, len(rows))
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

func columns(rows []stat.Judged) (score, truth []float64) {
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

// split returns the rows of a part.
func (b *Benchmark) split(s Split) ([]BenchmarkRow, error) {
	if s != AllNetworks && s != Development && s != HeldOut {
		return nil, fmt.Errorf("accuracy: unknown split %q, want %s, %s or %s", s, AllNetworks, Development, HeldOut)
	}
	if s == AllNetworks {
		return b.Rows, nil
	}
	var rows []BenchmarkRow
	for _, r := range b.Rows {
		if (halfOf(r.ID) == 0) == (s == Development) {
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// halfOf decides a network's half by its id: 0 development, 1 held out.
func halfOf(id string) int {
	h := fnv.New32a()
	io.WriteString(h, id)
	return int(h.Sum32()>>3) % 2
}

// reference draws the networks of rankmean's scale from the benchmark; their
// accuracies are not looked at.
func (b *Benchmark) reference(seed uint64) []*blocks.Network {
	r := rand.New(rand.NewPCG(seed, 5))
	var nets []*blocks.Network
	for _, i := range r.Perm(len(b.Rows))[:min(ReferenceSize, len(b.Rows))] {
		nets = append(nets, b.Rows[i].Network)
	}
	return nets
}

// ReadBenchmark reads a table of the user's own: CSV with a header line and the
// columns arch (what lower turns into a network) and accuracy (per cent), and
// optionally id.
func ReadBenchmark(name string, r io.Reader, lower func(arch string) (*blocks.Network, error)) (*Benchmark, error) {
	t, err := readTable(name, r)
	if err != nil {
		return nil, err
	}
	if err := t.need("arch", "accuracy"); err != nil {
		return nil, err
	}
	_, hasID := t.column["id"]
	b := &Benchmark{Name: name, Source: "the user's table"}
	for i := range t.rows {
		row := BenchmarkRow{ID: t.text(i, "arch")}
		if hasID {
			row.ID = t.text(i, "id")
		}
		if row.Truth, err = t.float(i, "accuracy"); err != nil {
			return nil, err
		}
		if math.IsNaN(row.Truth) || row.Truth < 0 || row.Truth > 100 {
			return nil, fmt.Errorf("accuracy: %s: line %d: accuracy is %v, want per cent from 0 to 100", name, i+2, row.Truth)
		}
		if row.Network, err = lower(t.text(i, "arch")); err != nil {
			return nil, fmt.Errorf("accuracy: %s: line %d: %w", name, i+2, err)
		}
		c := row.Network.Counts()
		row.MACs, row.Params = c.MACs, c.Params
		b.Rows = append(b.Rows, row)
	}
	return b, nil
}
