package explain

import (
	"fmt"
	"io"
	"slices"

	"nas/internal/report"
	"nas/internal/report/html"
)

// Roofline is the picture of the calls under the roof of the device.
func (x *Explanation) Roofline() report.Figure {
	r := &x.Roof
	f := report.Roofline{
		Title: "What bounds " + x.Name, Peak: r.GMACs,
		Subtitle: fmt.Sprintf("%s ms predicted on %s; a point is a call of a kernel, its area its share of the time",
			ms(x.Ms), x.Device),
		Slopes: []report.Slope{
			{Name: fmt.Sprintf("%.3g GB/s, within the second-level cache", r.CacheGB), GBytesPer: r.CacheGB},
			{Name: fmt.Sprintf("%.3g GB/s, beyond it", r.MemoryGB), GBytesPer: r.MemoryGB},
		},
		Notes: []string{"The roof is " + r.Source + "."},
	}
	without := 0.0
	for i := range x.Calls {
		c := &x.Calls[i]
		if c.MACs == 0 {
			without += c.Ms / x.Ms
			continue
		}
		f.Points = append(f.Points, report.RooflinePoint{
			Kind: c.kind, Intensity: float64(c.MACs) / float64(max(c.Bytes, 1)),
			Rate: float64(c.MACs) / max(c.Ms, 1e-9) / 1e6, Share: c.Ms / x.Ms,
		})
	}
	if without > 0 {
		f.Notes = append(f.Notes, fmt.Sprintf("Calls without multiply-adds take %.1f %% of the time and have no point.",
			100*without))
	}
	return f
}

// WriteHTML writes the explanation as one HTML page, with at most so many edits, 0 for all.
func (x *Explanation) WriteHTML(w io.Writer, top int) error {
	d := html.Document{
		Title:    "Where the latency of " + x.Name + " goes",
		Subtitle: fmt.Sprintf("%s ms predicted, 90 %% interval %s", ms(x.Ms), interval(x.Part)),
		Facts:    [][2]string{{"device", x.Device}}, Notes: x.Warnings,
	}
	if x.Measured != nil {
		d.Facts = append(d.Facts, [2]string{"measured", ms(x.Measured.Ms) + " ms"})
	}
	if a := x.Accuracy; a != nil {
		d.Facts = append(d.Facts, [2]string{a.Label, fmt.Sprintf("%.2f", a.Value)})
	}
	counts := x.network.Counts()
	d.Facts = append(d.Facts, [2]string{"params", millions(counts.Params)}, [2]string{"MACs", millions(counts.MACs)})
	for _, s := range x.Sheets(top) {
		s.drop("-")
		d.Sheets = append(d.Sheets, html.Sheet{Title: s.Title, Lines: s.Lines, Head: s.Head, Rows: s.Rows})
	}
	d.Sheets[0].Figures = []report.Figure{x.Roofline()}
	d.Sheets[1].Figures = []report.Figure{report.LatencyBreakdown(x.network, x.kernels, x.Device)}
	d.Sheets[0], d.Sheets[len(d.Sheets)-1] = d.Sheets[len(d.Sheets)-1], d.Sheets[0] // what to do comes first
	return html.WriteDocument(w, d)
}

// drop leaves out the columns whose cells all say that there is nothing.
func (s *Sheet) drop(nothing string) {
	for k := len(s.Head) - 1; k >= 0; k-- {
		if len(s.Rows) == 0 || slices.ContainsFunc(s.Rows, func(r []string) bool { return r[k] != nothing }) {
			continue
		}
		s.Head = slices.Delete(slices.Clone(s.Head), k, k+1)
		for i := range s.Rows {
			s.Rows[i] = slices.Delete(slices.Clone(s.Rows[i]), k, k+1)
		}
	}
}
