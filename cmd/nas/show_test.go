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

// TestShowAccuracy: a network has an estimate with its interval, and what it is lowered by adds up; one that the
// estimate does not know says so.
func TestShowAccuracy(t *testing.T) {
	estimate := func(args ...string) *accuracyView {
		var v struct{ Accuracy *accuracyView }
		code, out, errs := nas(t, append([]string{"show", "--json"}, args...)...)
		if err := json.Unmarshal([]byte(out), &v); code != 0 || err != nil {
			t.Fatalf("exit %d, %v, %s", code, err, errs)
		}
		return v.Accuracy
	}
	base, strong := estimate("mobilenet_v2"), estimate("mobilenet_v2", "--recipe", "strong")
	if base == nil || !(base.LowPct < base.Value && base.Value < base.HighPct) || base.Unit != "pct" {
		t.Fatalf("the estimate is %+v", base)
	}
	if strong.Value <= base.Value || strong.Recipe != "strong" {
		t.Errorf("by a strong recipe it is %+v, by a base one %+v", strong, base)
	}
	if v := estimate(tinyArch); v != nil {
		t.Errorf("32 pixels give %+v", v)
	}
	if _, out, _ := nas(t, "show", tinyArch); !strings.Contains(out, "none: ") {
		t.Errorf("no reason why there is no estimate:\n%s", out)
	}
	const dilated = "224x224x3 | conv_k3_s2_c32_relu6 | ds_k3_s1_c16_relu6_depthwise | " +
		"mbconv_k3_s2_x96_c24_relu6 mbconv_k3_s1_x144_c24_relu6_res | " +
		"mbconv_k5_s2_x144_c40_relu6 mbconv_k3_s1_d2_x240_c40_relu6_res | " +
		"mbconv_k3_s2_x240_c80_relu6 mbconv_k3_s1_x480_c80_relu6_res | " +
		"classifier_c1280_relu6_n1000"
	if _, out, _ := nas(t, "show", dilated); !strings.Contains(out, "dilation occurs in no network") {
		t.Errorf("dilation is not charged:\n%s", out)
	}
	wantExit(t, 2, "want one of base", "show", "mobilenet_v2", "--recipe", "early")
}
