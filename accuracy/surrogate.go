package accuracy

import (
	"context"
	"fmt"
	"math"
	"slices"

	"nas/blocks"
	"nas/internal/fault"
	"nas/internal/stat"

	"gonum.org/v1/gonum/mat"
	gonum "gonum.org/v1/gonum/stat"
)

// Surrogate is an estimate fitted to the user's own trained networks: a Gaussian
// process on training-free proxies and on the features of the fitted estimate. Which
// inputs, length scale and noise it uses is chosen by repeated cross-validation on
// Kendall's tau: the candidate with the largest mean less standard deviation wins, as
// in NSGANetV2 (Lu, Deb, Goodman, Banzhaf and Boddeti, ECCV 2020, section 3.2). It
// differs from theirs in its candidates: proxies stand in for the networks that were
// not trained.
type Surrogate struct {
	inputs   *SurrogateInputs
	columns  []int     // of the inputs, those in use
	mean, sd []float64 // of each input over the trained networks; sd is 0 where it does not vary
	gp       *stat.GP
	trained  int     // networks that it was fitted to
	choice   string  // of cross-validation
	tau      float64 // mean Kendall tau of cross-validation
	errorSD  float64 // standard deviation of a cross-validated error, in points
}

// MinTrained is the least number of trained networks that a surrogate is fitted to.
const MinTrained = 5

// NewSurrogate fits to o.Trained. With o.Reference or o.Scale a combined rank is
// among the inputs, which is worth most where little was trained.
func NewSurrogate(ctx context.Context, o Options) (*Surrogate, error) {
	if len(o.Trained) < MinTrained {
		return nil, fault.Errorf("accuracy: surrogate needs %d trained networks or more, it has %d; "+
			"give a table with the columns arch and accuracy", MinTrained, len(o.Trained))
	}
	in, err := NewSurrogateInputs(ctx, o)
	if err != nil {
		return nil, err
	}
	nets := make([]*blocks.Network, len(o.Trained))
	for i, t := range o.Trained {
		nets[i] = t.Network
	}
	rows, err := in.OfAll(ctx, nets, o.Workers)
	if err != nil {
		return nil, err
	}
	top1 := make([]float64, len(o.Trained))
	for i, t := range o.Trained {
		if math.IsNaN(t.Top1Pct) || t.Top1Pct < 0 || t.Top1Pct > 100 {
			return nil, fault.Errorf("accuracy: surrogate: accuracy of network %s is %v, want per cent from 0 to 100",
				t.Network.Name, t.Top1Pct)
		}
		top1[i] = t.Top1Pct
	}
	if slices.Max(top1) == slices.Min(top1) {
		return nil, fault.New("accuracy: surrogate: all trained networks have one accuracy")
	}
	return in.Fit(rows, top1, o.Seed)
}

// Fit fits a surrogate to networks whose inputs are rows, as Of returns them, and
// whose accuracies in per cent are top1. The seed draws the folds of the
// cross-validation.
func (in *SurrogateInputs) Fit(rows [][]float64, top1 []float64, seed uint64) (*Surrogate, error) {
	s := &Surrogate{inputs: in, trained: len(rows)}
	x := s.standardise(rows)
	target := make([]float64, len(top1))
	for i, v := range top1 {
		target[i] = linkOf(v)
	}
	best := math.Inf(-1)
	var chosen surrogateCandidate
	for _, c := range candidates(in, s.sd, s.trained) {
		tau, sd, errorSD, err := c.crossValidate(x, target, top1, seed)
		if err != nil {
			return nil, err
		}
		if tau-sd > best {
			best, chosen = tau-sd, c
			s.tau, s.errorSD = tau, errorSD
		}
	}
	all := make([]int, len(rows))
	for i := range all {
		all[i] = i
	}
	var err error
	s.gp, err = stat.FitGP(chosen.kernel, selected(x, all, chosen.columns), target)
	s.columns, s.choice = chosen.columns, chosen.name
	return s, err
}

// standardise takes the mean and standard deviation of each input from the rows and
// returns the standardised rows.
func (s *Surrogate) standardise(rows [][]float64) *mat.Dense {
	n, d := len(rows), len(rows[0])
	x := mat.NewDense(n, d, nil)
	s.mean, s.sd = make([]float64, d), make([]float64, d)
	column := make([]float64, n)
	for j := range d {
		for i := range n {
			column[i] = rows[i][j]
		}
		s.mean[j], s.sd[j] = gonum.MeanStdDev(column, nil)
		if s.sd[j] < 1e-9*(1+math.Abs(s.mean[j])) {
			s.sd[j] = 0
		}
		for i := range n {
			x.Set(i, j, s.standardised(rows[i], j))
		}
	}
	return x
}

func (s *Surrogate) standardised(row []float64, j int) float64 {
	if s.sd[j] == 0 {
		return 0
	}
	return (row[j] - s.mean[j]) / s.sd[j]
}

// Estimate returns accuracy in per cent. The interval is 1.64 standard deviations
// of the cross-validated errors on either side.
func (s *Surrogate) Estimate(ctx context.Context, n *blocks.Network) (Score, error) {
	row, err := s.inputs.Of(ctx, n)
	if err != nil {
		return Score{}, err
	}
	v := s.Predict([][]float64{row})[0]
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return Score{}, fault.Errorf("accuracy: surrogate of network %s is %v", n.Name, v)
	}
	return Score{Value: v, Low: max(v-1.64*s.errorSD, 0), High: min(v+1.64*s.errorSD, 100)}, nil
}

// Predict returns the accuracies in per cent of networks whose inputs are rows.
func (s *Surrogate) Predict(rows [][]float64) []float64 {
	x := mat.NewDense(len(rows), len(s.columns), nil)
	for i := range rows {
		for b, j := range s.columns {
			x.Set(i, b, s.standardised(rows[i], j))
		}
	}
	out := s.gp.Predict(x)
	for i, t := range out {
		out[i] = unlink(t)
	}
	return out
}

// CrossValidated returns the mean Kendall tau between the accuracies of trained
// networks and what was predicted for them by surrogates fitted without them.
func (s *Surrogate) CrossValidated() float64 { return s.tau }

// Info describes the estimate: per cent of whatever the networks were trained on.
func (s *Surrogate) Info() Info {
	label := fmt.Sprintf("accuracy (%%), surrogate of %d trained networks", s.trained)
	return Info{Name: "surrogate", Label: label, Unit: "pct"}
}

// String names what was chosen and how well it ranked networks that it had not
// been fitted to.
func (s *Surrogate) String() string {
	return fmt.Sprintf("surrogate{trained=%d,%s,cv_tau=%.3f}", s.trained, s.choice, s.tau)
}
