package explain

import (
	"fmt"
	"strconv"

	"nas/internal/plural"
	"nas/latency"
)

// Sheet is a part of an explanation as text: lines, and a table.
type Sheet struct {
	Title string
	Lines []string
	Head  []string
	Rows  [][]string
}

// Sheets are the parts of the explanation, for text and page alike, with at most so many edits, 0 for all.
func (x *Explanation) Sheets(top int) []Sheet {
	sheets := []Sheet{x.boundSheet(), {
		Title: "by block", Head: []string{"block", "ms", "90 % interval", "%", "MACs", "bound by"},
	}, {
		Title: "by operator", Head: []string{"operator", "calls", "ms", "90 % interval", "%", "MACs", "bound by", "% of roof"},
	}, x.editSheet(top)}
	for _, b := range x.Blocks {
		sheets[1].Rows = append(sheets[1].Rows, []string{
			b.Place, ms(b.Ms), interval(b.Part), percent(b.SharePct), millions(b.MACs), b.Bound,
		})
	}
	for _, o := range x.Operators {
		sheets[2].Rows = append(sheets[2].Rows, []string{
			o.Name, strconv.Itoa(o.Count), ms(o.Ms), interval(o.Part), percent(o.SharePct), millions(o.MACs), o.Bound,
			fmt.Sprintf("%.0f", o.ReachedPct),
		})
	}
	return sheets
}

// boundSheet says what bounds the network.
func (x *Explanation) boundSheet() Sheet {
	r := &x.Roof
	s := Sheet{Title: "what bounds it", Lines: []string{fmt.Sprintf(
		"The device does %.3g GMAC/s, and moves %.3g GB/s within the second-level cache and %.3g GB/s beyond it (%s).",
		r.GMACs, r.CacheGB, r.MemoryGB, r.Source,
	)}, Head: []string{"bound by", "calls", "ms", "90 % interval", "%"}}
	for _, b := range x.Bounds {
		s.Rows = append(s.Rows, []string{b.By, strconv.Itoa(b.Calls), ms(b.Ms), interval(b.Part), percent(b.SharePct)})
	}
	return s
}

// editSheet lists the edits.
func (x *Explanation) editSheet(top int) Sheet {
	s := Sheet{Title: "edits that would pay", Head: []string{
		"#", "saves ms", "90 % interval", "saves %", "measured", "points lost", "ms/point", "name", "edit",
	}}
	switch a := x.Accuracy; {
	case len(x.Edits) == 0:
		s.Lines = []string{"None of the known edits would win latency."}
		return s
	case a == nil:
		s.Lines = []string{"Accuracy is not estimated: " + x.NoAccuracy + ". The order is that of the latency won."}
	default:
		s.Lines = []string{fmt.Sprintf("Accuracy before: %.2f (%s). The order is ms won for each point lost; less than "+
			"%g points count as that.", a.Value, a.Label, leastPoints)}
	}
	if top <= 0 || top > len(x.Edits) {
		top = len(x.Edits)
	}
	for i := range x.Edits[:top] {
		s.Rows = append(s.Rows, x.Edits[i].row())
	}
	if rest := len(x.Edits) - top; rest > 0 {
		s.Lines = append(s.Lines, plural.Of(rest, "more edit")+" are not listed.")
	}
	return s
}

// row is an edit as a row of the table.
func (c *Change) row() []string {
	points, per, measured := "-", "-", "-"
	if c.Unseen != "" {
		points = "not seen"
	}
	if c.Points != nil {
		points, per = fmt.Sprintf("%.2f", *c.Points), fmt.Sprintf("%.3g", c.PerPoint)
		if c.Half > 0 {
			points += fmt.Sprintf(" +- %.2f", c.Half)
		}
	}
	if c.Measured != nil {
		measured = fmt.Sprintf("%s (%s)", ms(c.Measured.Ms), interval(*c.Measured))
	}
	return []string{
		strconv.Itoa(c.ID), ms(c.Gain.Ms), interval(c.Gain), percent(c.GainPct), measured, points, per, c.Name, c.Text,
	}
}

func interval(p latency.Part) string { return ms(p.LowMs) + " to " + ms(p.HighMs) }

// ms is a time with three digits or, below 0.1, with three decimals.
func ms(v float64) string {
	switch a := max(v, -v); {
	case a >= 100:
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	case a >= 1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

func percent(v float64) string { return fmt.Sprintf("%.1f", v) }

// millions is a count in millions.
func millions(n int64) string { return fmt.Sprintf("%.4g M", float64(n)/1e6) }
