package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"nas/internal/atomicfile"
	"nas/internal/report"
	"nas/internal/report/html"
	"nas/internal/runstore"
	"nas/latency"
	"nas/search"
	"nas/space"
)

// page writes report.html, last of all, because it says how the run ended.
func (p *pipeline) page(context.Context) error {
	if len(p.front) == 0 || len(p.objectives) < 2 {
		return nil
	}
	s := p.stored
	var err error
	if s.Manifest, err = runstore.ReadManifest(s.Dir); err != nil {
		return err
	}
	page, err := s.Page()
	if err != nil {
		return err
	}
	return atomicfile.Write(p.store.Path(reportFile), func(w io.Writer) error { return html.Write(w, page) })
}

const reportFile = "report.html"

// Page makes the run's report.
func (s *Stored) Page() (html.Page, error) {
	f, err := Figure(s)
	if err != nil {
		return html.Page{}, err
	}
	x, y, _ := s.axes()
	p := s.head(x, y)
	p.Fronts = f
	p.Fronts.Series = nil
	p.Fronts.Subtitle = f.Verdict()
	p.Facts = slices.Insert(p.Facts, 2, [2]string{"trials", report.Thousands(s.Trials)}, [2]string{"ended", s.Manifest.Status})
	p.Trials = s.Shown
	// Without the profile, as in a directory that was passed on in parts, the
	// report lacks the breakdowns only.
	var predictor *latency.Predictor
	switch prof, err := latency.Load(filepath.Join(s.Dir, runstore.ProfileFile)); {
	case err == nil:
		if predictor, err = prof.Predictor(); err != nil {
			return p, err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return p, fmt.Errorf("%w; without the file the report lacks the breakdowns only", err)
	}
	for _, t := range s.Front.Trials() {
		at, ok := p.Trials.Find(t.ID)
		if !ok {
			return p, fmt.Errorf("run: trial %d of %s is on the front and has no place on the axes", t.ID, s.Dir)
		}
		m := pageMember(&t, at, x, y)
		if m.Network, err = pageNetwork(t.Arch, predictor); err != nil {
			return p, fmt.Errorf("run: trial %d of %s: %w", t.ID, s.Dir, err)
		}
		p.Members = append(p.Members, m)
	}
	slices.SortStableFunc(p.Members, func(a, b html.Member) int {
		v, _ := p.Trials.Point(a.Trial)
		w, _ := p.Trials.Point(b.Trial)
		return cmp.Compare(v.X, w.X)
	})
	p.Figures = append(p.Figures, Growth(s))
	if shares, err := s.Shares(); err == nil && len(shares.Genes) > 0 {
		p.Figures = append(p.Figures, shares)
	}
	if len(s.Measured) > 0 {
		p.Figures = append(p.Figures, s.Agreement())
	}
	return p, nil
}

// head is what a page says of a run before there are trials.
func (s *Stored) head(x, y search.Objective) html.Page {
	p := html.Page{Dir: s.Dir, Device: s.Manifest.Device, Facts: [][2]string{
		{"latency", s.Manifest.Device}, {"score", s.Manifest.Notes["score"]}, {"seed", fmt.Sprint(s.Manifest.Seed)},
		{"nas", s.Manifest.Version}, {"search", s.searcher()},
	}}
	p.Fronts = report.Fronts{Title: s.Config.Name, X: s.axis(x), Y: s.axis(y), Constraints: s.constraints(x.Name, y.Name), Notes: s.notes(x)}
	if b := s.Manifest.Notes["blind"]; b != "" {
		p.Blind = strings.Split(b, ", ")
	}
	return p
}

// pageTrial is a trial as a page shows it; not if it failed or was not scored.
func pageTrial(t *search.Trial, x, y search.Objective) (html.Trial, bool) {
	q := html.Trial{ID: t.ID, ArchID: t.ArchID, Arch: t.Arch, X: value(t, x.Name), Y: value(t, y.Name),
		Params: int64(value(t, keyParams)), MACs: int64(value(t, keyMACs)), Feasible: t.Feasible()}
	return q, t.Failed == "" && !math.IsNaN(q.X) && !math.IsNaN(q.Y)
}

func pageMember(t *search.Trial, at int, x, y search.Objective) html.Member {
	return html.Member{Trial: at, XLow: value(t, x.Name+"_low"), XHigh: value(t, x.Name+"_high"),
		YLow: value(t, y.Name+"_low"), YHigh: value(t, y.Name+"_high")}
}

// pageNetwork is the diagram and the layers of a network; without a predictor the
// diagram lacks where the latency goes.
func pageNetwork(arch string, predictor *latency.Predictor) (p html.Network, err error) {
	a, err := space.Parse(arch)
	if err != nil {
		return p, err
	}
	n, err := a.Network()
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
			for _, part := range []struct {
				name string
				n    int
			}{{"stride", l.Stride[0]}, {"dilation", l.Dilation[0]}, {"groups", l.Groups}} {
				if part.n > 1 {
					window += fmt.Sprintf(", %s %d", part.name, part.n)
				}
			}
		}
		p.Layers = append(p.Layers, html.Layer{Name: l.Name, Op: l.Op, Window: window, Out: l.Out.String(), Params: l.Params, MACs: l.MACs})
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
