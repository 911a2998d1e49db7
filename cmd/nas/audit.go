package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"nas/internal/audit"
	"nas/internal/evaluator"
	"nas/internal/work"
)

// auditSpace is nas space CONFIG --audit.
func (a *app) auditSpace(cmd *cobra.Command, path string, profiles []string, workers int) error {
	c, err := a.loadConfig(path, setProfiles(profiles))
	if err != nil {
		return err
	}
	if c.Accuracy.Evaluator != "" {
		return usagef("%s trains its networks, and a training sees every gene: want a config with a proxy", path)
	}
	m := a.meter
	defer m.end()
	c.AcceptProfiles() // an audit compares choices, and promises no latency
	setup, err := evaluator.New(cmd.Context(), c, work.Options{
		Workers: workers, Say: m.say,
		Progress: func(p work.Progress) { m.show(p.Step, p.Done, p.Total, "") },
	}, nil)
	if err != nil {
		return err
	}
	report, err := audit.Space(cmd.Context(), setup)
	m.end()
	if err != nil {
		return err
	}
	if a.json {
		return a.writeJSON(report)
	}
	a.printf("%s: one gene at a time flipped on %d networks\n", c.Name, report.Bases)
	a.printf("score: %s, noise of its seed %.3g; latency: %s\n", report.Score, report.Noise, report.Device)
	a.printf("changes are those from a choice to a later one: mean, and +- their spread\n\n")
	t := table{head: []string{"gene", "genes", "flips", "score", "+-", "latency %", "+-", "the score"}}
	for _, r := range report.Rows {
		t.add(r.Gene, r.Genes, r.Flips, fmt.Sprintf("%+.3f", r.ScoreMean), fmt.Sprintf("%.3f", r.ScoreSD),
			fmt.Sprintf("%+.1f", r.LatencyMeanPct), fmt.Sprintf("%.1f", r.LatencySDPct), r.String())
	}
	t.write(a.stdout)
	a.printf("\neach choice against the first, mean change of the score and of the latency\n\n")
	t = table{head: []string{"gene", "choice", "score", "latency %", ""}}
	for _, r := range report.Rows {
		for i, v := range r.Values {
			if i > 0 {
				t.add(r.Gene, v.Choice, fmt.Sprintf("%+.3f", v.ScoreMean), fmt.Sprintf("%+.1f", v.LatencyPct), v.String())
			}
		}
	}
	t.write(a.stdout)
	return nil
}
