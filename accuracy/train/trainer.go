package train

import (
	"context"
	"math"
	"math/rand/v2"

	"nas/accuracy/images"
	"nas/blocks"
	"nas/blocks/kernels"
	"nas/internal/fault"
)

// Trainer trains one network. Its methods are for one goroutine.
type Trainer struct {
	o       Options
	m       *model
	team    *team
	chunks  []chunk
	train   *images.Set
	opt     *optimizer
	present []float32 // the parameters that are trained
	ema     []float32 // their average
	moving  []float32 // statistics of the average
	epoch   int       // epochs done
	curve   []Epoch
	id      identity
}

// Epoch is what one epoch brought.
type Epoch struct {
	Epoch    int     `json:"epoch"`     // from 1
	Loss     float64 `json:"loss"`      // the mean over the images of the epoch, while they were trained on
	TrainPct float64 `json:"train_pct"` // the share of them that was right then, in per cent
	ValPct   float64 `json:"val_pct"`   // the accuracy of the averaged weights on the validation images, in per cent
	Rate     float64 `json:"rate"`      // the learning rate of its last step
	Seconds  float64 `json:"seconds"`   // of wall time, judging included
}

// New prepares the training of a network from its weights w on a set of images, which must have the network's input and
// classes. Close ends it.
func New(n *blocks.Network, w *blocks.Weights, set *images.Set, o Options) (*Trainer, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	kernel, err := kernels.Default()
	if err != nil {
		return nil, err
	}
	o.Batch = min(o.Batch, set.Len()/Shards*Shards)
	if o.Batch == 0 {
		return nil, fault.Errorf("train: %d images to train on: want %d or more", set.Len(), Shards)
	}
	m, err := compile(n, kernel, o.Batch)
	if err != nil {
		return nil, err
	}
	if n.Input() != set.Shape {
		return nil, fault.Errorf("train: the images have shape %v, and the input of %s %v: want a network for the images",
			set.Shape, n.Name, n.Input())
	}
	if m.classes != set.Classes {
		return nil, fault.Errorf("train: the images have %d classes, and %s %d: want a network of as many classes, or "+
			"other labels", set.Classes, n.Name, m.classes)
	}
	if err := w.Check(n); err != nil {
		return nil, err
	}
	m.setWeights(w)
	t := &Trainer{o: o, m: m, train: set, present: m.values, chunks: m.chunks(), moving: m.moving}
	t.ema = append([]float32(nil), m.values...)
	t.opt = newOptimizer(o.Optimizer, o.Decay, o.Momentum, len(m.values))
	if t.id, err = identify(n, set, o); err != nil {
		return nil, err
	}
	t.team = newTeam(kernel, max(1, o.Workers))
	return t, nil
}

// Close ends the goroutines of the trainer.
func (t *Trainer) Close() { t.team.close() }

// Done is the number of epochs that were trained.
func (t *Trainer) Done() int { return t.epoch }

// Steps is the number of steps of an epoch.
func (t *Trainer) Steps() int { return t.train.Len() / t.o.Batch }

// Curve is what each epoch brought.
func (t *Trainer) Curve() []Epoch { return t.curve }

// MapBytes is the memory of all maps and their gradients.
func (t *Trainer) MapBytes() int { return 4 * t.m.floats }

// Weights are the averaged weights, with batch statistics of their own. They are views of what the next epoch changes.
func (t *Trainer) Weights() *blocks.Weights {
	if t.o.EMA == 0 {
		return t.m.weights(t.present, t.moving)
	}
	return t.m.weights(t.ema, t.moving)
}

// Epoch trains for one epoch. step, if not nil, is called after each step, with their number and the loss. The error is
// that of ctx, or says that the loss is no number; the trainer is then to be closed.
func (t *Trainer) Epoch(ctx context.Context, step func(done int, loss float64)) (e Epoch, err error) {
	steps, n := t.Steps(), t.o.Batch
	// Each epoch has a source of its own, so that one which is resumed is the same.
	source := t.o.Seed<<20 | uint64(t.epoch+1)
	order := rand.New(rand.NewPCG(source, 0)).Perm(t.train.Len())
	t.m.values = t.present
	t.m.track = func(int, float64) {}
	e = Epoch{Epoch: t.epoch + 1}
	right := 0
	for k := range steps {
		if err := ctx.Err(); err != nil {
			return e, context.Cause(ctx)
		}
		batch := order[k*n:][:n]
		load := func(_ *worker, s span, dst []float32) {
			each := t.train.Shape.Elems()
			for i := range s.n {
				r := rand.New(rand.NewPCG(source, uint64(k*n+s.first+i+1)))
				augment(dst[i*each:][:each], t.train.Image(batch[s.first+i]), t.train.Shape, &t.o, r)
			}
		}
		loss, ok := t.m.gradients(t.team, load, func(i int) int { return t.train.Label(batch[i]) }, t.o.Smoothing)
		if math.IsNaN(loss) || math.IsInf(loss, 0) {
			return e, fault.Errorf("train: the loss is %g in step %d of epoch %d: try a lower learning rate than %g", loss, k+1,
				e.Epoch, t.o.Rate)
		}
		done := t.epoch*steps + k
		e.Rate = rateAt(t.o.Rate, done, min(t.o.Warmup, steps), t.o.Epochs*steps)
		t.update(e.Rate, done)
		e.Loss += loss / float64(steps)
		right += ok
		if step != nil {
			step(k+1, loss)
		}
	}
	e.TrainPct = 100 * float64(right) / float64(steps*n)
	t.Settle()
	t.epoch++
	return e, nil
}

// Record adds what an epoch brought to the curve.
func (t *Trainer) Record(e Epoch) { t.curve = append(t.curve, e) }

// update takes the step number done, from 0.
func (t *Trainer) update(rate float64, done int) {
	norm := t.m.reduce(t.team, t.chunks)
	factor := float32(1)
	if t.o.Clip > 0 && norm > t.o.Clip {
		factor = float32(t.o.Clip / norm)
	}
	kept := float32(min(t.o.EMA, float64(1+done)/float64(10+done)))
	t.team.do(len(t.chunks), func(_ *worker, i int) {
		c := t.chunks[i]
		t.opt.step(t.present, t.m.grads[0], c.from, c.to, rate, done+1, c.decays, factor)
		average(t.ema[c.from:c.to], t.present[c.from:c.to], kept)
	})
}

// settleImages is the number of images that the statistics of the averaged weights are taken from.
const settleImages = 1000

// Settle finds the statistics of batch normalisation for the averaged weights anew, from up to 1,000 images. Each epoch
// ends with it: an average of statistics would lag behind while the weights move. Weights to begin with that are
// another network's need it before they are judged.
func (t *Trainer) Settle() {
	if len(t.moving) == 0 {
		return
	}
	n := t.o.Batch
	batches := max(1, min(settleImages, t.train.Len())/n)
	clear(t.moving)
	t.m.track = func(place int, v float64) { t.moving[place] += float32(v / float64(batches)) }
	if t.o.EMA > 0 {
		t.m.values = t.ema
	}
	each := t.train.Shape.Elems()
	for k := range batches {
		t.m.pass(t.team, func(_ *worker, s span, dst []float32) {
			for i := range s.n {
				plain(dst[i*each:][:each], t.train.Image(k*n+s.first+i))
			}
		})
	}
	t.m.values = t.present
}

// Network is the network that is trained.
func (t *Trainer) Network() *blocks.Network { return t.m.net }
