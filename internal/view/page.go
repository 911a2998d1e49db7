package view

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"slices"

	"nas/internal/fault"
	"nas/internal/report"
	"nas/internal/report/html"
	"nas/internal/resolve"
	"nas/internal/results"
	"nas/internal/runstore"
	"nas/latency"
	"nas/search"
	"nas/space"
)

// importanceTrials are the fewest trials of a run whose page shows what its genes matter: of fewer the intervals
// are wide, and the figure would take longer than the run.
const importanceTrials = 500

// Page makes the run's report. Once ctx is done it leaves out which genes matter, which takes seconds.
func Page(ctx context.Context, s *results.Stored) (html.Page, error) {
	f, err := Front(s)
	if err != nil {
		return html.Page{}, err
	}
	x, y := s.Axes()
	p := headerOf(s, x, y)
	p.Fronts = f
	p.Fronts.Series = nil
	p.Fronts.Subtitle = f.Verdict()
	p.Facts = slices.Insert(p.Facts, 2,
		[2]string{"trials", report.Thousands(s.Trials)}, [2]string{"ended", cmp.Or(s.Manifest.Ended, s.Manifest.Status)})
	p.Trials = s.Shown
	predictor, err := predictorOf(s)
	if err != nil {
		return p, err
	}
	for _, t := range s.Front.Trials() {
		row, ok := p.Trials.Find(t.ID)
		if !ok {
			return p, fault.Errorf("results: trial %d of %s is on the front and has no value on one of the axes", t.ID, s.Dir)
		}
		m := pageMember(&t, row, x, y, s.Expected)
		for _, o := range latenciesOf(s)[1:] {
			m.Others = append(m.Others, runstore.Number(&t.Result, o.Name))
		}
		if m.Network, err = pageNetwork(t.Arch, predictor); err != nil {
			return p, fault.Errorf("results: trial %d of %s: %w", t.ID, s.Dir, err)
		}
		p.Members = append(p.Members, m)
	}
	slices.SortStableFunc(p.Members, func(a, b html.Member) int {
		v, _ := p.Trials.Point(a.Trial)
		w, _ := p.Trials.Point(b.Trial)
		return cmp.Compare(v.X, w.X)
	})
	searched := s // by the score that the search had
	if s.Told != nil {
		searched = s.Told.Before
	}
	others := latenciesOf(s)[1:]
	for _, o := range others {
		p.Others = append(p.Others, "latency on "+s.DeviceOf(o)+", ms")
	}
	if len(others) > 0 {
		fronts, err := deviceFronts(s)
		if err != nil {
			return p, err
		}
		p.Figures = append(p.Figures, fronts)
	}
	p.Figures = append(p.Figures, Growth(searched))
	curves, err := Curves(s)
	if err != nil {
		return p, err
	}
	if len(curves.Curves) > 0 {
		p.Figures = append(p.Figures, curves)
	}
	if shares, err := Shares(s); err == nil && len(shares.Genes) > 0 {
		p.Figures = append(p.Figures, shares)
	}
	if searched.Trials >= importanceTrials {
		if m, err := Importance(ctx, searched); err == nil { // not of a space without genes
			p.Figures = append(p.Figures, m)
		}
	}
	if len(s.Measured) > 0 {
		if f := Remeasured(s); len(f.Series) > 0 {
			p.Figures = append(p.Figures, f)
		}
		p.Figures = append(p.Figures, Agreement(s))
	}
	return p, nil
}

// predictorOf is that of the run's first profile; nil where the file is missing, as in a directory
// that was passed on in parts: the report then lacks the breakdowns only.
func predictorOf(s *results.Stored) (*latency.Predictor, error) {
	p, err := latency.Load(filepath.Join(s.Dir, runstore.ProfileFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("%w; without the file the report lacks the breakdowns only", err)
	}
	return p.Predictor()
}

// headerOf is what a page says of a run before there are trials.
func headerOf(s *results.Stored, x, y search.Objective) html.Page {
	return html.Page{
		Dir: s.Dir, Device: s.Manifest.Device, Blind: s.Manifest.Score.Blind,
		Facts: [][2]string{
			{"latency", s.Manifest.Device}, {"score", s.Manifest.Score.Label}, {"seed", fmt.Sprint(s.Manifest.Seed)},
			{"nas", s.Manifest.Version}, {"search", searcherOf(s)},
		},
		Fronts: report.Fronts{
			Title: s.Config.Name, X: axisOf(s, x), Y: axisOf(s, y),
			Constraints: constraintsOf(s, x.Name, y.Name), Notes: notesOf(s, x), Unfit: unfitOf(s),
		},
	}
}

// pageMember is a trial on the front; row is its index among the trials of the page.
func pageMember(t *search.Trial, row int, x, y search.Objective, expected results.Expectation) html.Member {
	a, b := runstore.FieldOf(x.Name).Of(&t.Result), runstore.FieldOf(y.Name).Of(&t.Result)
	m := html.Member{Trial: row, XLow: a.Low, XHigh: a.High, YLow: b.Low, YHigh: b.High, Expected: math.NaN()}
	if y.Name == runstore.KeyAccuracy {
		m.Expected, m.Warnings = expected.Of(&t.Result), runstore.AccuracyWarning.Warnings(t.Warnings)
	}
	return m
}

// pageNetwork is the diagram and the layers of a network; without a predictor the diagram lacks
// where the latency goes.
func pageNetwork(arch string, predictor *latency.Predictor) (p html.Network, err error) {
	n, err := resolve.NetworkOf(arch)
	if err != nil {
		return p, err
	}
	for _, l := range n.Layers() {
		if l.Op == "bn" || l.Op == "act" {
			continue // they run with the convolution before them
		}
		window := ""
		if l.Kernel != [2]int{} {
			window = fmt.Sprintf("%dx%d", l.Kernel[0], l.Kernel[1])
			for _, setting := range []struct {
				name string
				n    int
			}{{"stride", l.Stride[0]}, {"dilation", l.Dilation[0]}, {"groups", l.Groups}} {
				if setting.n > 1 {
					window += fmt.Sprintf(", %s %d", setting.name, setting.n)
				}
			}
		}
		p.Layers = append(p.Layers, html.Layer{
			Name: l.Name, Op: l.Op, Window: window, Out: l.Out.String(), Params: l.Params, MACs: l.MACs,
		})
	}
	var e latency.Estimate
	device := ""
	if predictor != nil {
		if e, err = predictor.Predict(n); err != nil {
			return p, err
		}
		device = predictor.Device().String()
	}
	p.Diagram = report.NetworkDiagram(n, e, device)
	return p, nil
}

// Curves draws the learning curves of a run; it has none where the run trained nothing.
func Curves(s *results.Stored) (report.Curves, error) {
	curves, err := s.Curves()
	return results.CurvesFigure(s.Config.Name, s.Manifest.Score.Label, curves), err
}

// Shares draws what distinguishes the front from the whole space.
func Shares(s *results.Stored) (report.Shares, error) {
	sp, err := space.New(s.Config.Space)
	if err != nil {
		return report.Shares{}, err
	}
	var front []space.Genes
	for _, t := range s.Front.Trials() {
		if err := sp.Check(t.Genes); err != nil {
			return report.Shares{}, fault.Errorf("results: %s: trial %d: %w: restore this file, or the %s beside it",
				filepath.Join(s.Dir, runstore.TrialsFile), t.ID, err, runstore.ConfigFile)
		}
		front = append(front, t.Genes)
	}
	const samples = 2000
	return report.Shares{
		Title: s.Config.Name + ": what the front takes",
		Subtitle: fmt.Sprintf("%s networks of the front against %s samples of the space, all blocks together",
			report.Thousands(len(front)), report.Thousands(samples)),
		Genes: report.SharesOfGenes(sp, front, samples, s.Manifest.Score.BlindTo),
	}, nil
}
