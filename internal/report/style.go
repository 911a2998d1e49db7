package report

import (
	"image/color"
	"strings"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/font/liberation"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

func rgb(hex uint32) color.RGBA {
	return color.RGBA{R: uint8(hex >> 16), G: uint8(hex >> 8), B: uint8(hex), A: 255}
}

// The colours of Okabe and Ito, in the order in which series take them.
var palette = []color.RGBA{
	rgb(0x0072B2), // blue
	rgb(0xD55E00), // vermillion
	rgb(0x009E73), // bluish green
	rgb(0xCC79A7), // reddish purple
	rgb(0xE69F00), // orange
	rgb(0x56B4E9), // sky blue
	rgb(0x5F5F5F), // grey, in place of a yellow that white paper swallows
}

var (
	ink      = rgb(0x1C1C1C) // titles, tick labels
	softInk  = rgb(0x595959) // subtitles, notes; 7:1 on white
	gridInk  = rgb(0xE9E9E9)
	axisInk  = rgb(0x8A8A8A)
	paper    = rgb(0xFFFFFF)
	limitInk = rgb(0xB03A00) // constraints
	crossInk = rgb(0xE8C4A4) // infeasible trials
)

func seriesColor(i int) color.RGBA { return palette[i%len(palette)] }

// tint mixes a colour with white: 0 leaves it, 1 is white.
func tint(c color.RGBA, white float64) color.RGBA {
	mix := func(v uint8) uint8 { return uint8(float64(v)*(1-white) + 255*white + 0.5) }
	return color.RGBA{mix(c.R), mix(c.G), mix(c.B), 255}
}

// shade mixes a colour with black.
func shade(c color.RGBA, black float64) color.RGBA {
	mix := func(v uint8) uint8 { return uint8(float64(v)*(1-black) + 0.5) }
	return color.RGBA{mix(c.R), mix(c.G), mix(c.B), 255}
}

// Font sizes in points, on pages 9 to 10 inches wide.
const (
	titleSize    = 17
	subtitleSize = 12
	axisSize     = 12.5
	tickSize     = 11.5
	legendSize   = 11.5
	labelSize    = 10.5
	noteSize     = 10
)

const (
	regular font.Variant = "Sans"
	bold    font.Variant = "SansBold"
)

// fonts holds the two faces in use. The bold one is registered as a variant, because
// plot's PDF canvas looks up a weight under another name than it stores it.
var fonts = text.Plain{Fonts: func() *font.Cache {
	var faces font.Collection
	for _, f := range liberation.Collection() {
		switch f.Font.Name() {
		case "LiberationSans-Regular":
			faces = append(faces, f)
		case "LiberationSans-Bold":
			f.Font = font.Font{Typeface: f.Font.Typeface, Variant: bold}
			faces = append(faces, f)
		}
	}
	return font.NewCache(faces)
}()}

func textStyle(size vg.Length, c color.Color, v font.Variant) text.Style {
	return text.Style{
		Color: c, Font: font.Font{Typeface: "Liberation", Variant: v, Size: size},
		XAlign: draw.XLeft, YAlign: draw.YBottom, Handler: fonts,
	}
}

func line(width vg.Length, c color.Color, dashes ...vg.Length) draw.LineStyle {
	return draw.LineStyle{Color: c, Width: width, Dashes: dashes}
}

// cleanText replaces the few characters of our own labels that the PDF fonts'
// encoding lacks, and line breaks, which labels must not have.
var cleanText = strings.NewReplacer("≤", "<=", "≥", ">=", "≈", "~", "→", "->", "\n", " ", "\t", " ").Replace

// wrap breaks a text into lines that are no wider than width where a space
// allows it.
func wrap(s string, sty text.Style, width vg.Length) []string {
	var lines []string
	current := ""
	for _, word := range strings.Fields(s) {
		next := word
		if current != "" {
			next = current + " " + word
		}
		if current != "" && sty.Width(next) > width {
			lines = append(lines, current)
			next = word
		}
		current = next
	}
	if current != "" {
		lines = append(lines, current)
	}
	return lines
}

// translucent returns a colour with the given opacity.
func translucent(c color.RGBA, alpha uint8) color.NRGBA {
	return color.NRGBA{R: c.R, G: c.G, B: c.B, A: alpha}
}
