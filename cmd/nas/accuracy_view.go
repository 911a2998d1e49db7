package main

import (
	"context"
	"math"

	"github.com/spf13/cobra"

	"nas/accuracy"
	"nas/blocks"
	"nas/internal/fault"
)

// accuracyView is the fitted estimate of a network, in the JSON form that scripts rely on.
type accuracyView struct {
	Value    float64      `json:"value"`
	LowPct   float64      `json:"low_pct"` // 90 % interval
	HighPct  float64      `json:"high_pct"`
	Unit     string       `json:"unit"`
	Label    string       `json:"label"`
	Recipe   string       `json:"recipe"`
	Charges  []chargeView `json:"charges"`
	Warnings []string     `json:"warnings"`
}

type chargeView struct {
	Points float64 `json:"points"`
	Reason string  `json:"reason"`
}

// recipeFlag gives a command the class of recipes of its estimates.
func recipeFlag(cmd *cobra.Command, recipe *string) {
	cmd.Flags().StringVar(recipe, "recipe", "base",
		"the class of training recipes that the accuracy is estimated for: base, augmented, strong, distilled")
}

// accuracyOf estimates the accuracy of a network; without an estimate it says why.
func accuracyOf(n *blocks.Network, recipe string) (v *accuracyView, why string, err error) {
	if err := accuracy.CheckRecipe("imagenet", recipe); err != nil {
		return nil, "", usagef("--recipe %q: %s", recipe, fault.Text(err))
	}
	e, err := accuracy.NewImageNet(recipe)
	if err != nil {
		return nil, "", err
	}
	s, err := e.Estimate(context.Background(), n)
	if err != nil {
		return nil, fault.Text(err), nil
	}
	info := e.Info()
	v = &accuracyView{
		Value: s.Value, LowPct: s.Low, HighPct: s.High, Unit: info.Unit, Label: info.Label, Recipe: recipe,
		Charges: []chargeView{}, Warnings: append([]string{}, s.Warnings...),
	}
	for _, c := range s.Charges {
		v.Charges = append(v.Charges, chargeView{math.Round(1000*c.Points) / 1000, c.Reason})
	}
	return v, "", nil
}

// print writes the estimate, or why there is none, and the reasons for what it is lowered by and
// for what its interval is wider.
func (v *accuracyView) print(a *app, why string) {
	if v == nil {
		a.printf("  top-1 estimate     none: %s\n", why)
		return
	}
	a.printf("  top-1 estimate     %.2f %%, 90 %% interval %.1f to %.1f (ImageNet, %s recipe)\n",
		v.Value, v.LowPct, v.HighPct, v.Recipe)
	charged := map[string]bool{}
	for _, c := range v.Charges {
		a.printf("    %+.2f: %s\n", -c.Points, c.Reason)
		charged[c.Reason] = true
	}
	for _, w := range v.Warnings {
		if !charged[w] {
			a.printf("    wider: %s\n", w)
		}
	}
}
