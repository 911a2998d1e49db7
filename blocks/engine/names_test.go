package engine

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestNamesAreDocumented wants every routine and every field of a unit's key in
// docs/kernels.md, and every key that stands there to be one.
func TestNamesAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/kernels.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	for name := range routines {
		if !strings.Contains(page, "`"+name+"`") {
			t.Errorf("docs/kernels.md does not name the unit %s", name)
		}
	}
	var tags []string
	for _, f := range pairFields {
		tags = append(tags, f.tag)
	}
	for _, f := range intFields {
		tags = append(tags, f.tag)
	}
	for _, f := range actFields[:2] {
		tags = append(tags, f.tag)
	}
	for _, tag := range tags {
		if !strings.Contains(page, `"`+tag+`" `) {
			t.Errorf("docs/kernels.md does not name the field %s", tag)
		}
	}
	keys := regexp.MustCompile(`(?m)^    ([a-z_]+ \d+x\d+x\d+>.*)$`).FindAllStringSubmatch(page, -1)
	for _, k := range keys {
		if _, err := ParseUnit(k[1]); err != nil {
			t.Error(err)
		}
	}
	if len(keys) == 0 {
		t.Error("docs/kernels.md shows no key")
	}
}
