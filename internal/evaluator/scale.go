package evaluator

import (
	"cmp"
	"context"
	"encoding/json"

	"nas/accuracy"
	"nas/blocks"
	"nas/internal/boundedfile"
	"nas/internal/config"
	"nas/internal/plural"
	"nas/internal/random"
	"nas/internal/runstore"
	"nas/internal/work"
	"nas/space"
)

// ReferenceSample draws the networks whose scores are the scale of a combined rank. They depend on
// the space and the seed of the score alone. A network that is drawn again is the same pointer.
func ReferenceSample(sp *space.Space, seed uint64) (sample []*blocks.Network, err error) {
	r := random.Stream(seed, "reference")
	drawn := map[string]*blocks.Network{}
	for range 8 * accuracy.ReferenceSize {
		if len(sample) == accuracy.ReferenceSize {
			return sample, nil
		}
		a := sp.Arch(sp.Sample(r))
		n, ok := drawn[a.String()]
		if !ok {
			var e error
			if n, e = a.Network(); e != nil {
				err = cmp.Or(err, e)
				continue
			}
			drawn[a.String()] = n
		}
		sample = append(sample, n)
	}
	if len(sample) == 0 {
		return nil, config.Usagef("no network of the space can be built: %w", err)
	}
	return sample, nil
}

// estimatorOf makes the accuracy estimator. That of a resumed run takes the stored scale, if it can be read.
func estimatorOf(
	ctx context.Context, c *config.Config, o work.Options, sample []*blocks.Network, resumed *runstore.Run,
) (accuracy.Estimator, error) {
	if c.Accuracy.Evaluator != "" {
		return trainedOf(c)
	}
	a := accuracy.Options{Seed: c.Accuracy.Seed, Recipe: c.Accuracy.Recipe, Workers: o.Workers}
	if resumed != nil {
		a.Scale = storedScale(resumed.Path(runstore.ScaleFile))
	}
	if a.Scale == nil && accuracy.NeedsReference(c.Accuracy.Proxy) {
		o.Sayf("scoring the reference sample of %s", plural.Of(distinct(sample), "network"))
		a.Reference = sample
	}
	return accuracy.NewContext(ctx, c.Accuracy.Proxy, a)
}

// distinct counts the different networks of a sample.
func distinct(sample []*blocks.Network) int {
	seen := map[*blocks.Network]bool{}
	for _, n := range sample {
		seen[n] = true
	}
	return len(seen)
}

// storedScale returns nil where the file cannot be used: it is derived, and is made again.
func storedScale(path string) *accuracy.Scale {
	data, err := boundedfile.Read(path, 16<<20)
	if err != nil {
		return nil
	}
	s := new(accuracy.Scale)
	if json.Unmarshal(data, s) != nil {
		return nil
	}
	return s
}
