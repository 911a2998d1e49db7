package importance

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
	"gonum.org/v1/gonum/stat"

	"nas/internal/fault"
	"nas/internal/random"
	mathstat "nas/internal/stat"
	"nas/space"
)

// Settings of [Of]. More of each only narrows the intervals.
const (
	resamples   = 20   // of the trials
	maxTrials   = 1500 // of a resample
	maxSamples  = 400  // of the space, for each resample
	minSamples  = 100
	predictions = 16000 // of a resample, in about so many of which the rows have their shares
	leastPct    = 0.1   // a total share below it counts as noise
	pairedGenes = 8     // rows whose pairs are looked at
	minTrials   = 40
)

// Trials are networks of a space and one value of each.
type Trials struct {
	Genes  []space.Genes // canonical
	Values []float64
}

// Add takes a network, unless its value is not a number.
func (t *Trials) Add(g space.Genes, value float64) {
	if !math.IsNaN(value) && !math.IsInf(value, 0) {
		t.Genes, t.Values = append(t.Genes, g), append(t.Values, value)
	}
}

// Share is a share of the variance of a value over the space, in per cent, with a 90 % interval over resamples of
// the trials.
type Share struct {
	Pct  float64 `json:"pct"`
	Low  float64 `json:"low_pct"`
	High float64 `json:"high_pct"`
}

// Gene is what a value depends on: a line of the config, or a single gene.
type Gene struct {
	Name  string  `json:"gene"`
	Count int     `json:"count"`    // genes of the line: one a block
	Live  float64 `json:"live_pct"` // share of the networks of the space that have one of them
	First Share   `json:"first"`    // by itself
	Total Share   `json:"total"`    // by itself and with others
	Noise bool    `json:"noise"`    // no more than genes that do nothing
}

// Pair is two genes that act together.
type Pair struct {
	A     string `json:"a"`
	B     string `json:"b"`
	Share Share  `json:"share"`
}

// Report is how one value depends on the genes. Genes and pairs are in falling order of their share.
type Report struct {
	Value     string  `json:"value"` // its name, set by the caller
	Trials    int     `json:"trials"`
	SD        float64 `json:"sd"`            // of the value over the space
	Explained float64 `json:"explained_pct"` // of the variance of trials that a fit did not see
	NoisePct  float64 `json:"noise_pct"`     // total share of a gene that does nothing, exceeded by one in 20
	Unit      string  `json:"unit,omitempty"`
	Genes     []Gene  `json:"genes"`
	Pairs     []Pair  `json:"pairs"`
}

// Options of [Of]. The zero value looks at the lines of the config.
type Options struct {
	Each bool   // each gene by itself
	Seed uint64 // of what is drawn
}

// Of finds out what a value depends on. Equal arguments give equal reports, with any number of processors. The
// error says that there are too few trials.
func Of(ctx context.Context, s *space.Space, t Trials, o Options) (*Report, error) {
	if len(s.Genes()) == 0 {
		return nil, fault.New("importance: the space has no gene with a choice")
	}
	if len(t.Values) < minTrials {
		return nil, fault.Errorf("importance: %d trials of the run have the value: want %d or more, of a longer run",
			len(t.Values), minTrials)
	}
	d := newDomain(s)
	rows := rowsOf(s.Genes(), o.Each)
	a := &analysis{domain: d, rows: rows, trials: t, codes: make([][]uint8, len(t.Genes))}
	var live []bool
	for i, g := range t.Genes {
		if err := s.Check(g); err != nil {
			return nil, err
		}
		a.codes[i] = make([]uint8, len(d.choices))
		live = d.encode(a.codes[i], append(slices.Clone(g), make(space.Genes, blanks)...), live)
	}
	each := make([]*resample, resamples)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for b := range each {
		group.Go(func() (err error) {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			each[b], err = a.resample(random.Stream(random.Mix(o.Seed+uint64(b)), "genes"))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	report := a.combine(each)
	top := a.strongest(report)
	var err error
	if report.Pairs, err = a.pairs(each, top); err != nil {
		return nil, err
	}
	return report, nil
}

type analysis struct {
	domain *domain
	rows   []row
	trials Trials
	codes  [][]uint8 // of the trials, without the blanks
}

// resample is what was found with one resample of the trials.
type resample struct {
	d            *decomposer
	first, total []float64 // of each row
	blank        []float64 // total of each blank
	pairs        []float64 // together, of the pairs that are looked at
	explained    float64
}

func (a *analysis) resample(r *rand.Rand) (*resample, error) {
	n := len(a.codes)
	used := make([]bool, n)
	var x, out [][]uint8
	var y, outY []float64
	first := len(a.domain.choices) - blanks
	blank := func(i int) []uint8 { // draws what the blanks of a trial are
		c := slices.Clone(a.codes[i])
		for k := first; k < len(c); k++ {
			c[k] = uint8(r.IntN(a.domain.choices[k]))
		}
		return c
	}
	for range min(n, maxTrials) {
		i := r.IntN(n)
		used[i] = true
		x, y = append(x, blank(i)), append(y, a.trials.Values[i])
	}
	for i := range used {
		if !used[i] && len(out) < maxTrials {
			out, outY = append(out, blank(i)), append(outY, a.trials.Values[i])
		}
	}
	s, err := a.domain.fit(x, y, r)
	if err != nil {
		return nil, err
	}
	samples := min(maxSamples, max(minSamples, predictions/(2*len(a.rows))))
	q := &resample{d: newDecomposer(s, samples, r), explained: s.explained(out, outY)}
	for _, row := range a.rows {
		f, t := q.d.shares(row.genes)
		q.first, q.total = append(q.first, f), append(q.total, t)
	}
	for k := range blanks {
		_, t := q.d.shares([]int{first + k})
		q.blank = append(q.blank, t)
	}
	return q, nil
}

// over is a value over the resamples, in per cent.
func over(each []*resample, value func(*resample) float64) Share {
	var v []float64
	for _, q := range each {
		v = append(v, 100*value(q))
	}
	mean := stat.Mean(v, nil)
	slices.Sort(v)
	return Share{mean, mathstat.Quantile(v, 0.05), mathstat.Quantile(v, 0.95)}
}

func (a *analysis) combine(each []*resample) *Report {
	r := &Report{Trials: len(a.trials.Values)}
	var blank []float64
	for _, q := range each {
		blank = append(blank, q.blank...)
	}
	slices.Sort(blank)
	r.NoisePct = 100 * mathstat.Quantile(blank, 0.95)
	r.SD = over(each, func(q *resample) float64 { return math.Sqrt(q.d.variance) / 100 }).Pct
	r.Explained = over(each, func(q *resample) float64 { return q.explained }).Pct
	live := a.live(each[0].d.x)
	for k, row := range a.rows {
		g := Gene{Name: row.name, Count: len(row.genes), Live: live[k]}
		g.First = over(each, func(q *resample) float64 { return q.first[k] })
		g.Total = over(each, func(q *resample) float64 { return q.total[k] })
		g.Noise = g.Total.Pct <= max(leastPct, r.NoisePct*float64(g.Count))
		r.Genes = append(r.Genes, g)
	}
	slices.SortStableFunc(r.Genes, func(x, y Gene) int { return cmp.Compare(y.Total.Pct, x.Total.Pct) })
	return r
}

// live is the share of sampled genotypes that have a gene of each row, in per cent.
func (a *analysis) live(sample []space.Genes) []float64 {
	share := make([]float64, len(a.rows))
	x := make([]uint8, len(a.domain.choices))
	var live []bool
	for _, g := range sample {
		live = a.domain.encode(x, g, live)
		for k, row := range a.rows {
			if slices.ContainsFunc(row.genes, func(i int) bool { return live[i] }) {
				share[k] += 100 / float64(len(sample))
			}
		}
	}
	return share
}

// strongest are the rows whose pairs are looked at.
func (a *analysis) strongest(r *Report) (top []int) {
	for _, g := range r.Genes {
		if len(top) < pairedGenes && !g.Noise {
			top = append(top, slices.IndexFunc(a.rows, func(q row) bool { return q.name == g.Name }))
		}
	}
	return top
}

func (a *analysis) pairs(each []*resample, top []int) ([]Pair, error) {
	pairs := []Pair{}
	var sets [][2][]int
	for i, u := range top {
		for _, v := range top[:i] {
			pairs = append(pairs, Pair{A: a.rows[v].name, B: a.rows[u].name})
			sets = append(sets, [2][]int{a.rows[v].genes, a.rows[u].genes})
		}
	}
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, q := range each {
		group.Go(func() error {
			for _, set := range sets {
				q.pairs = append(q.pairs, q.d.together(set[0], set[1]))
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for k := range pairs {
		pairs[k].Share = over(each, func(q *resample) float64 { return q.pairs[k] })
	}
	slices.SortStableFunc(pairs, func(x, y Pair) int { return cmp.Compare(y.Share.Pct, x.Share.Pct) })
	return pairs, nil
}
