package html

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"nas/internal/report"
)

// axeScript is the script of axe-core, the accessibility checker (github.com/dequelabs/axe-core). Where it is not
// installed, it skips the test: make test-page installs it into .tools/axe.
func axeScript(t *testing.T) string {
	t.Helper()
	path := os.Getenv("NAS_AXE")
	if path == "" {
		path = filepath.Join("..", "..", "..", ".tools", "axe", "node_modules", "axe-core", "axe.min.js")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Skipf("skipped: axe-core is not here, so the pages were not checked by it (make test-page installs it): %v", err)
	}
	return string(text)
}

// axe checks the open page with axe-core. Findings that it calls serious or critical are errors.
func (b *browser) axe(script, name string) {
	b.t.Helper()
	b.eval(script + "; 1")
	var found []struct {
		ID, Impact, Help string
		Nodes            []struct {
			Target         []any
			FailureSummary string
		}
	}
	got := b.eval(`axe.run(document, {resultTypes: ['violations']}).then(r => JSON.stringify(r.violations))`)
	if err := json.Unmarshal([]byte(got), &found); err != nil {
		b.t.Fatalf("%s: axe says %.200q: %v", name, got, err)
	}
	for _, v := range found {
		text := fmt.Sprintf("%s: %s (%s): %s", name, v.ID, v.Impact, v.Help)
		for k, n := range v.Nodes {
			if k == 3 {
				text += fmt.Sprintf("\n  and %d more", len(v.Nodes)-k)
				break
			}
			text += fmt.Sprintf("\n  %v: %s", n.Target, n.FailureSummary)
		}
		if v.Impact == "serious" || v.Impact == "critical" {
			b.t.Error(text)
		} else {
			b.t.Log(text)
		}
	}
}

// looks are the windows in which each page is checked.
var looks = []struct {
	name          string
	width, height int
	phone, dark   bool
}{
	{"desktop", 1280, 900, false, false}, {"desktop-dark", 1280, 900, false, true},
	{"phone", 390, 844, true, false}, {"phone-dark", 390, 844, true, true},
}

// TestAccessible opens every page that the program writes, on a desktop and on a phone, light and dark. Nothing may
// stand out to the right on a phone, and axe-core may find nothing serious.
func TestAccessible(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped with -short: starts a browser")
	}
	report, document, waiting := madeUpPage(2000), new(bytes.Buffer), new(bytes.Buffer)
	if err := WriteDocument(document, madeUpDocument()); err != nil {
		t.Fatal(err)
	}
	if err := WriteWaiting(waiting, "token"); err != nil {
		t.Fatal(err)
	}
	live := madeUpPage(0)
	live.Live, live.Token = true, "token"
	script, dir := axeScript(t), t.TempDir()
	b := openBrowser(t)
	for name, page := range map[string][]byte{
		"report": writePage(t, report), "live": writePage(t, live), "waiting": waiting.Bytes(), "document": document.Bytes(),
	} {
		path := filepath.Join(dir, name+".html")
		if err := os.WriteFile(path, page, 0o644); err != nil {
			t.Fatal(err)
		}
		for _, look := range looks {
			b.size(look.width, look.height, look.phone, look.dark)
			b.call("Page.navigate", map[string]any{"url": "file://" + path + "?" + look.name + "#0,2"}, nil)
			b.until(`document.readyState === 'complete' && location.search.endsWith('` + look.name + `')`)
			b.until(`document.documentElement.dataset.ready === 'yes' || !document.querySelector('script:not([type])')`)
			b.axe(script, name+", "+look.name)
			if wide := b.eval(standingOut); look.phone && wide != "" {
				t.Errorf("%s, %s: these stand out to the right: %s", name, look.name, wide)
			}
			b.shot(name + "-" + look.name)
		}
	}
}

// standingOut lists what is wider than a phone, in a page.
const standingOut = `[...document.querySelectorAll('body *')]
	.filter(e => !e.closest('.scroll, svg, .ops, .unseen') && e.getBoundingClientRect().right > 391)
	.map(e => e.tagName + '.' + e.className + '#' + e.id).join(' ')`

// madeUpDocument is a page of tables and figures.
func madeUpDocument() Document {
	return Document{
		Title: "mobilenet_v3_large: where its latency goes", Subtitle: "21.7 ms, 90 % interval 19.7 to 23.9",
		Facts: [][2]string{
			{"device", "TFLite on Pixel 4 (Snapdragon 855), its largest core, 1 thread"}, {"params", "5.48 M"},
		},
		Sheets: []Sheet{
			{Title: "What bounds it", Lines: []string{"The device does 15.3 GMAC/s."},
				Head: []string{"bound by", "calls", "ms", "90 % interval"},
				Rows: [][]string{{"multiply-adds", "44", "19.1", "17.3 to 21.1"}, {"bandwidth", "35", "2.57", "2.28 to 2.91"}},
				Figures: []report.Figure{report.Roofline{Title: "Roofline", Peak: 15,
					Slopes: []report.Slope{{Name: "memory", GBytesPer: 14}},
					Points: []report.RooflinePoint{{Kind: "pointwise", Intensity: 8, Rate: 12, Share: 0.7},
						{Kind: "depthwise", Intensity: 1, Rate: 3, Share: 0.3}}}}},
			{Title: "By block", Head: []string{"block", "ms", "edit"},
				Rows: [][]string{{"stem", "0.676", "channels 960 -> 480, 1280 -> 640 in the head, and much more that is long"}}},
		},
		Notes: []string{"The network is not of the space that the profile was made for."},
	}
}
