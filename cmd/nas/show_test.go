package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestShowOperators(t *testing.T) {
	code, out, errs := nas(t, "show", "--operators", "--json")
	if code != 0 {
		t.Fatal(errs)
	}
	var v operatorsView
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatal(err)
	}
	kinds := map[string]string{}
	for _, o := range v.Operators {
		kinds[o.Name] = o.On() + ", " + o.InputCount()
		if o.Name == "Conv" && !slices.Contains(o.Attributes, "dilations") {
			t.Errorf("Conv has %v", o.Attributes)
		}
	}
	for name, want := range map[string]string{
		"Conv": "activations, 2 to 3", "Add": "all, 2", "Where": "constants, 3", "TopK": "reading ends before it, 0 or more",
	} {
		if kinds[name] != want {
			t.Errorf("%s is read on %q, want %q", name, kinds[name], want)
		}
	}
	if _, out, _ := nas(t, "show", "--operators"); !strings.Contains(out, "epsilon is_test* momentum* spatial=1") {
		t.Errorf("no attributes:\n%s", out)
	}
	wantExit(t, 2, "without a network", "show", "--operators", "mobilenet_v2")
}
