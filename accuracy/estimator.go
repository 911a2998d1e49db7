package accuracy

import (
	"context"
	"math"
	"runtime"
	"sync"

	"nas/accuracy/features"
	"nas/accuracy/imagenet"
	"nas/accuracy/internal/scale"
	"nas/accuracy/proxy"
	"nas/blocks"

	"golang.org/x/sync/errgroup"
)

// An Estimator scores networks; a higher score is always better. Implementations are
// safe for concurrent use. The score of a network does not depend on what was scored
// before it. Package accuracytest tests implementations.
type Estimator interface {
	// Estimate scores one network. It returns an error if the network cannot be
	// scored at all (a task that the estimator knows nothing about, an op it
	// cannot run) and ctx.Err() if ctx ends first.
	Estimate(ctx context.Context, n *blocks.Network) (Score, error)

	// Info describes what the values are.
	Info() Info

	// String returns the specification that [New] reads, with the settings that
	// the values depend on: equal strings mean comparable values.
	String() string
}

// A ChainEstimator also scores a network that is given as the features of its blocks.
// A search meets the same blocks over and over: it reads each once, and does not have
// to build the network.
type ChainEstimator interface {
	Estimator
	// EstimateChain scores the network of a name that consists of blocks, each of which
	// reads the output of the one before. The score equals that of [Estimator.Estimate]
	// to the bit.
	EstimateChain(ctx context.Context, name string, chain ...*BlockFeatures) (Score, error)
}

// ReferenceSize is the number of networks of a reference sample.
const ReferenceSize = 256

// Scale holds the scores of a reference sample by proxy, which turn a raw score into a position. It is stored as JSON.
// The zero value is an empty scale.
type Scale = scale.Scale

// A ScaledEstimator's values are positions on the scale of a reference sample.
type ScaledEstimator interface {
	Estimator
	// Scale returns the reference values, to be stored and given to [Options].
	Scale() *Scale
	// ReferenceValues returns the score of each network of the reference sample, in its
	// order; nil if the parts of a stored scale have samples of different length.
	ReferenceValues() []float64
}

// BlockFeatures are what a [ChainEstimator] reads of one or several blocks.
type BlockFeatures = features.Blocks

// NewBlockFeatures reads one or several whole blocks, given as a network whose input
// is what they read. Its nodes must tell the stem and the blocks apart by stage and
// block as those of the whole network do.
func NewBlockFeatures(n *blocks.Network) *BlockFeatures { return features.OfBlocks(n) }

// Trait is a property of a network that a score may or may not depend on.
type Trait = proxy.Trait

// The traits that estimators are asked about.
const (
	SE         = proxy.SE
	Activation = proxy.Activation
	Dilation   = proxy.Dilation
	KernelSize = proxy.KernelSize
	Expansion  = proxy.Expansion
	Resolution = proxy.Resolution
	Width      = proxy.Width
	Depth      = proxy.Depth
)

// Info describes an estimator's values.
type Info struct {
	Name  string // "rankmean(naswot,depth)"
	Label string // for a plot's axis: "ImageNet top-1 (%), fitted estimate"
	Unit  string // "pct" for per cent of test images, "" for a score without unit

	// Blind lists the traits of a network that the value takes no account of. A search
	// will take the cheapest choice of every such gene. The value does not depend on
	// them; one from a run with random weights may change a little, without meaning.
	Blind []Trait

	// Penalised are those of the Blind traits that cost a small fixed penalty where the
	// data of a fitted estimate has no network with them: of two networks that are equal
	// otherwise, the one of a kind that the data has wins.
	Penalised []Trait

	// Caps are the largest values of some traits that the value distinguishes: larger
	// ones count as these. A search has no reason to exceed them.
	Caps map[Trait]float64

	// ScaleID is the hash of the reference sample behind a combined rank, ""
	// where there is none. Values with different ids must not be mixed.
	ScaleID string
}

// Score is what an estimator says of one network.
type Score struct {
	Value float64

	// Low and High bound the 90 % interval. Both are NaN where the estimator
	// has none.
	Low, High float64

	// Between is the standard deviation, in the unit of Value, of the component of the
	// error that this network does not share with others of its space and recipe. Only
	// that component can change the order of two networks. 0 means that it has not been
	// told apart from the rest of the error.
	Between float64

	// Parts are the raw values that Value was computed from, by name, to be stored with
	// it; nil for a proxy alone.
	Parts map[string]float64

	// Charges are what Value is lower by, for traits that the fitted estimate has no data
	// of. [Estimator.Estimate] returns them; a score read from a run has none.
	Charges []Charge

	// Warnings say why this network's score deserves less trust than others:
	// complete sentences without a final stop.
	Warnings []string
}

// Refusal is the error of a network that an estimator has no data of anything like. Others of the
// same space may do better.
type Refusal = imagenet.Refusal

// Charge is points taken off a score, and the reason.
type Charge = imagenet.Charge

// point returns a score without interval.
func point(v float64) Score { return Score{Value: v, Low: math.NaN(), High: math.NaN()} }

// ScoreAll returns the scores of all networks, workers of them at a time (0: as
// many as processors). The first error ends it.
func ScoreAll(ctx context.Context, e Estimator, nets []*blocks.Network, workers int) ([]Score, error) {
	scores := make([]Score, len(nets))
	first, err := forEach(ctx, nets, workers, func(ctx context.Context, i int) (err error) {
		scores[i], err = e.Estimate(ctx, nets[i])
		return err
	})
	if err != nil {
		return nil, err
	}
	for i, k := range first {
		scores[i] = scores[k]
	}
	return scores, nil
}

// Values returns the values of scores, in their order.
func Values(scores []Score) []float64 {
	v := make([]float64, len(scores))
	for i, s := range scores {
		v[i] = s.Value
	}
	return v
}

// forEach calls f for each different network of a list, with its index there, workers of them at a time
// (0: as many as processors), and returns for each network of the list the index that f was called with.
func forEach(
	ctx context.Context, nets []*blocks.Network, workers int, f func(ctx context.Context, i int) error,
) (first []int, err error) {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	first = make([]int, len(nets))
	seen := make(map[*blocks.Network]int, len(nets))
	var todo []int
	for i, n := range nets {
		k, ok := seen[n]
		if !ok {
			k, seen[n] = i, i
			todo = append(todo, i)
		}
		first[i] = k
	}
	var mu sync.Mutex
	done := 0
	ReportProgress(ctx, "score", 0, len(todo))
	g, inner := errgroup.WithContext(ctx)
	g.SetLimit(workers)
	for _, i := range todo {
		g.Go(func() error {
			if inner.Err() != nil {
				return context.Cause(inner)
			}
			if err := f(inner, i); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			done++
			ReportProgress(ctx, "score", done, len(todo))
			return nil
		})
	}
	return first, g.Wait()
}

// progressKey is the key of a context's [Progress].
type progressKey struct{}

// A Progress is told how far a step has come: done of total networks, or draws. It is called by
// one goroutine at a time.
type Progress func(step string, done, total int)

// WithProgress returns a context that has long work of this package tell p how far it is.
func WithProgress(ctx context.Context, p Progress) context.Context {
	return context.WithValue(ctx, progressKey{}, p)
}

// ReportProgress tells the [Progress] of a context, if it has one, how far a step has come.
func ReportProgress(ctx context.Context, step string, done, total int) {
	if p, ok := ctx.Value(progressKey{}).(Progress); ok {
		p(step, done, total)
	}
}
