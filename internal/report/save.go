package report

import (
	"bytes"
	"fmt"
	"html"
	"image/color"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"nas/internal/atomicfile"
	"nas/internal/fault"

	"codeberg.org/go-pdf/fpdf"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgpdf"
	"gonum.org/v1/plot/vg/vgsvg"
)

// A Figure is one of this package's plots.
type Figure interface {
	// layout lays the figure out, or says what it lacks.
	layout() (*layout, error)
}

// Title returns the title of a figure.
func Title(f Figure) (string, error) {
	p, err := f.layout()
	if err != nil {
		return "", fault.Errorf("report: %w", err)
	}
	return p.title, nil
}

// formats are the file formats of [Encode], by extension.
var formats = []string{"svg", "png", "pdf"}

const pngDPI = 192 // a 9-inch page is 1728 pixels wide

// Encode writes a figure in one of the formats svg, png and pdf. Equal figures give equal bytes.
func Encode(w io.Writer, format string, f Figure) error {
	return encodeUpTo(w, format, f, math.MaxFloat64)
}

// EncodeNarrow writes a figure as an SVG for a telephone.
func EncodeNarrow(w io.Writer, f Figure) error { return encodeUpTo(w, "svg", f, 5*vg.Inch) }

// encodeUpTo is Encode of a figure of at most so much width.
func encodeUpTo(w io.Writer, format string, f Figure, most vg.Length) error {
	p, err := f.layout()
	if err != nil {
		return fault.Errorf("report: %w", err)
	}
	p.width = min(p.width, most)
	var c vg.CanvasWriterTo
	fix := func(b []byte) []byte { return b }
	switch format {
	case "svg":
		c, fix = vgsvg.New(p.width, p.height), portableFonts
	case "png":
		c = vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(p.width, p.height), vgimg.UseDPI(pngDPI))}
	case "pdf":
		c = pdfCanvas{vgpdf.New(p.width, p.height)}
	default:
		return fault.Errorf("report: format %q, want one of %s", format, strings.Join(formats, ", "))
	}
	p.draw(draw.NewCanvas(c, p.width, p.height))
	var buf bytes.Buffer
	if _, err := c.WriteTo(&buf); err != nil {
		return fault.Errorf("report: %w", err)
	}
	if _, err := w.Write(fix(buf.Bytes())); err != nil {
		return fault.Errorf("report: %w", err)
	}
	return nil
}

// Save writes a figure to a file whose extension is svg, png or pdf. The file
// is replaced as a whole; its directory is made.
func Save(path string, f Figure) error {
	format := strings.ToLower(strings.TrimPrefix(filepath.Ext(path), "."))
	var buf bytes.Buffer
	switch format {
	case "svg", "png", "pdf":
	default:
		return fault.Errorf("report: %s: want a file name that ends in .%s", path, strings.Join(formats, ", ."))
	}
	if err := Encode(&buf, format, f); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fault.Errorf("report: %w", err)
	}
	if err := atomicfile.WriteFile(path, buf.Bytes()); err != nil {
		return fault.Errorf("report: %w", err)
	}
	return nil
}

// portableFonts adds fonts of the same metrics for viewers without the Liberation fonts.
func portableFonts(svg []byte) []byte {
	const family = "font-family:Liberation Sans,Arimo,Arial,Helvetica,sans-serif"
	for variant, style := range map[string]string{"normal": family, "sansbold": family + ";font-weight:bold"} {
		ours := "font-family:Liberation Sans;font-variant:" + variant + ";font-weight:normal;font-style:normal"
		svg = bytes.ReplaceAll(svg, []byte(ours), []byte(style))
	}
	return svgText.ReplaceAllFunc(svg, withLength)
}

// svgText matches a text of an SVG: its attributes, of them the size of the font, and its characters.
var svgText = regexp.MustCompile(`<text ([^>]*font-size:([\d.]+)px[^>]*)>([^<]+)</text>`)

// withLength gives a text the width that the figure was laid out for. Where the fonts are missing, and another one is
// wider, it then stays in its place all the same.
func withLength(element []byte) []byte {
	m := svgText.FindSubmatch(element)
	size, err := strconv.ParseFloat(string(m[2]), 64)
	if err != nil {
		return element
	}
	variant := regular
	if bytes.Contains(m[1], []byte("font-weight:bold")) {
		variant = bold
	}
	width := textStyle(vg.Length(size), ink, variant).Width(html.UnescapeString(string(m[3])))
	if width <= 0 {
		return element
	}
	return fmt.Appendf(nil, `<text textLength="%.1f" lengthAdjust="spacingAndGlyphs" %s>%s</text>`,
		float64(width), m[1], m[3])
}

// The bytes of a PDF must depend on the figure alone. By default it also holds the time
// of writing, and its fonts in the random order of a map.
func init() {
	fpdf.SetDefaultCatalogSort(true)
	epoch := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	fpdf.SetDefaultCreationDate(epoch)
	fpdf.SetDefaultModificationDate(epoch)
}

// pdfCanvas encodes text in Windows-1252, as the fonts of a PDF need it. The embedded
// canvas leaves that to its caller.
type pdfCanvas struct{ *vgpdf.Canvas }

// SetColor passes a translucent colour unmultiplied. The embedded canvas would apply
// its opacity twice: in the premultiplied components and as alpha.
func (c pdfCanvas) SetColor(clr color.Color) {
	if clr != nil {
		clr = straight(color.NRGBAModel.Convert(clr).(color.NRGBA))
	}
	c.Canvas.SetColor(clr)
}

// straight is a colour that is not multiplied by its opacity.
type straight color.NRGBA

func (s straight) RGBA() (r, g, b, a uint32) {
	return uint32(s.R) * 0x101, uint32(s.G) * 0x101, uint32(s.B) * 0x101, uint32(s.A) * 0x101
}

func (c pdfCanvas) FillString(f font.Face, pt vg.Point, s string) {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		switch {
		case r < 0x80 || r >= 0xA0 && r <= 0xFF:
			b = append(b, byte(r))
		default:
			v, ok := windows1252[r]
			if !ok {
				v = '?'
			}
			b = append(b, v)
		}
	}
	if f.Font.Variant != bold {
		c.Canvas.FillString(f, pt, string(b))
		return
	}
	// The embedded canvas has one font file for both faces and sets bold text in regular
	// letters with bold distances. Regular letters drawn twice look bold.
	size := f.Font.Size
	f = fonts.Fonts.Lookup(font.Font{Typeface: f.Font.Typeface, Variant: regular}, size)
	c.Canvas.FillString(f, pt, string(b))
	c.Canvas.FillString(f, vg.Point{X: pt.X + 0.035*size, Y: pt.Y}, string(b))
}

// windows1252 holds what a label may have from 0x80 to 0x9F.
var windows1252 = map[rune]byte{
	'€': 0x80, '…': 0x85, '‘': 0x91, '’': 0x92, '“': 0x93, '”': 0x94, '•': 0x95, '–': 0x96, '—': 0x97, '™': 0x99,
}
