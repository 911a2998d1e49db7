package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"nas/accuracy"
	"nas/accuracy/benchmark"
	"nas/accuracy/judge"
	"nas/blocks"
	"nas/internal/atomicfile"
	"nas/internal/boundedfile"
	"nas/internal/fault"
	"nas/internal/plural"
	"nas/internal/report"
)

// validateAccuracyFlags are the flags of nas validate accuracy.
type validateAccuracyFlags struct {
	benchmark, proxies, split, plot string
	out, recipe                     string
	seed                            uint64
	workers, draws                  int
	trained                         []int
}

func newValidateAccuracy(a *app) *cobra.Command {
	var o validateAccuracyFlags
	benchmarks := strings.Join(benchmark.Names(), ", ")
	cmd := &cobra.Command{
		Use:   "accuracy",
		Short: "Compare scores with trained accuracy",
		Long: `Scores every network of a table of trained networks and compares the scores with the
trained accuracies: rank correlation over all networks, the same among networks of
equal MACs, and the accuracy lost by trusting the score under ten MACs budgets.
Intervals are 90 %, from resampling networks. Pairs of networks that differ in one
property are listed if they are few. The score surrogate is fitted to networks
drawn from the table and judged on the others.

Benchmarks: ` + benchmarks + `, or FILE.csv, a table of your own with the columns
arch (whatever a network is named by, as in nas show) and accuracy in per cent,
and if you like id. Of estimates in per cent it says the mean error, the bias (estimate
less trained) and the share of networks inside the 90 % interval. Scores: ` + strings.Join(accuracy.Names(), ", ") + `.`,
		Example: `  nas validate accuracy --benchmark macro --proxy "rankmean(naswot,depth),macs"
  nas validate accuracy --benchmark published --proxy imagenet --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.validateAccuracy(cmd.Context(), o) },
	}
	f, defaults := cmd.Flags(), judge.Options{}.WithDefaults()
	f.StringVar(&o.benchmark, "benchmark", "", "one of "+benchmarks+", or `FILE.csv` of your own")
	f.StringVar(&o.proxies, "proxy", "", "scores, `NAME[,NAME]`")
	f.StringVar(&o.plot, "plot", "", "also draw the score against trained accuracy, `FILE`.svg, .png or .pdf")
	f.StringVar(&o.split, "split", string(defaults.Split),
		"part of the networks: all, development (formulas were chosen on it) or held-out")
	f.StringVar(&o.out, "out", "", "also write the score of each network, with interval and warnings, to `FILE`.csv")
	recipeFlag(cmd, &o.recipe)
	f.Uint64Var(&o.seed, "seed", 0, "of the scores and of resampling")
	f.IntSliceVar(&o.trained, "trained", defaults.Trained,
		"with the score surrogate: networks of the table that it is fitted to")
	f.IntVar(&o.draws, "draws", defaults.Draws, "with the score surrogate: how often they are drawn")
	f.IntVar(&o.workers, "workers", 0, "networks scored at once (default: one a core)")
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) validateAccuracy(ctx context.Context, o validateAccuracyFlags) error {
	open := benchmark.Open
	if strings.HasSuffix(strings.ToLower(o.benchmark), ".csv") {
		open = ownBenchmark
	} else if !slices.Contains(benchmark.Names(), o.benchmark) {
		return usagef("--benchmark %q: want one of %s, or a table FILE.csv with the columns arch and accuracy",
			o.benchmark, strings.Join(benchmark.Names(), ", "))
	}
	specs := splitSpecs(o.proxies)
	if len(specs) == 0 {
		return usagef("--proxy is missing: want one or more of %s", strings.Join(accuracy.Names(), ", "))
	}
	for _, s := range specs {
		if err := accuracy.CheckSpec(s); err != nil {
			return usagef("--proxy %s: %w", s, err)
		}
		if err := accuracy.CheckRecipe(s, o.recipe); err != nil {
			return usagef("--recipe %q: %s", o.recipe, fault.Text(err))
		}
	}
	if o.plot != "" && (len(specs) != 1 || specs[0] == "surrogate") {
		return usagef("--plot draws one score: want one --proxy, and not surrogate")
	}
	if err := a.picture("--plot", o.plot); err != nil {
		return err
	}
	splits := []benchmark.Split{benchmark.AllNetworks, benchmark.Development, benchmark.HeldOut}
	if !slices.Contains(splits, benchmark.Split(o.split)) {
		return usagef("--split %q: want one of %v", o.split, splits)
	}
	b, err := open(o.benchmark)
	if err != nil {
		return usage(err)
	}
	options := judge.Options{
		Seed: o.seed, Split: benchmark.Split(o.split), Workers: o.workers, Trained: o.trained, Draws: o.draws,
		Recipe: o.recipe,
	}
	if o.draws < 1 {
		return usagef("--draws %d: want 1 or more", o.draws)
	}
	if err := options.Check(b, specs); err != nil {
		return usage(err)
	}
	r, err := judge.Validate(ctx, b, specs, options)
	if err != nil {
		return err
	}
	if o.out != "" {
		if err := writeScores(o.out, r); err != nil {
			return err
		}
	}
	if o.plot != "" {
		if err := a.draw(o.plot, rankingOf(r, b, specs[0])); err != nil {
			return err
		}
	}
	if a.json {
		return a.writeJSON(r)
	}
	a.printf("%s (%s), %s, split %s\n\n", r.Benchmark, r.Source, plural.Of(r.Networks, "network"), r.Split)
	writeRankings(a, r)
	writePairs(a, r)
	writeFewShot(a, r)
	for _, name := range slices.Sorted(maps.Keys(r.Proxies)) {
		if n := r.Proxies[name].Note; n != "" {
			a.printf("\n%s: %s\n", name, n)
		}
	}
	return nil
}

// writeScores writes a table with a row for each network and score.
func writeScores(path string, r *judge.Report) error {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	number := func(v float64) string {
		if math.IsNaN(v) {
			return ""
		}
		return strconv.FormatFloat(v, 'g', 6, 64)
	}
	w.Write([]string{"id", "score", "accuracy", "value", "low", "high", "macs", "charged", "warnings"})
	for _, name := range slices.Sorted(maps.Keys(r.Scores)) {
		for i, s := range r.Scores[name] {
			row, charged := r.Rows[name][i], 0.0
			for _, c := range s.Charges {
				charged += c.Points
			}
			w.Write([]string{row.ID, name, number(row.Truth), number(s.Value), number(s.Low), number(s.High),
				strconv.FormatInt(row.MACs, 10), number(charged), strings.Join(s.Warnings, "; ")})
		}
	}
	w.Flush() // to memory: it cannot fail
	return atomicfile.WriteFile(path, b.Bytes())
}

// writeRankings prints how each score ranks the networks.
func writeRankings(a *app, r *judge.Report) {
	t := table{head: []string{
		"score", "tau", "90 %", "same-cost tau", "Spearman", "mean regret", "worst", "ms a network",
	}}
	for _, name := range slices.Sorted(maps.Keys(r.Proxies)) {
		p := r.Proxies[name]
		same := "-"
		if p.SameCostTau != nil {
			same = fmt.Sprintf("%.3f", *p.SameCostTau)
		}
		t.add(name, fmt.Sprintf("%.3f", p.KendallTau), fmt.Sprintf("%.3f - %.3f", p.TauInterval[0], p.TauInterval[1]),
			same, fmt.Sprintf("%.3f", p.Spearman),
			fmt.Sprintf("%.2f", p.RegretMean), fmt.Sprintf("%.2f", p.RegretWorst), ms(p.MsPerNetwork))
	}
	if len(t.rows) > 0 {
		t.write(a.stdout)
	}
}

// rankingOf is the scatter plot of a score, a series for each family of networks.
func rankingOf(r *judge.Report, b *benchmark.Benchmark, spec string) report.Ranking {
	p := r.Proxies[spec]
	g := report.Ranking{Title: "Score against trained accuracy", Score: spec,
		Subtitle: fmt.Sprintf("%s, %d networks, split %s: Kendall tau %.3f", r.Benchmark, r.Networks, r.Split, p.KendallTau)}
	if p.Note != "" {
		g.Notes = append(g.Notes, p.Note)
	}
	family := map[string]string{}
	for _, row := range b.Rows {
		family[row.ID] = row.Group
	}
	series := map[string]int{}
	for _, q := range r.Rows[spec] {
		name := family[q.ID]
		k, ok := series[name]
		if !ok {
			k = len(g.Series)
			series[name] = k
			g.Series = append(g.Series, report.RankingSeries{Name: name})
		}
		g.Series[k].Points = append(g.Series[k].Points, report.Point{X: q.Truth, Y: q.Score})
	}
	return g
}

// ownBenchmark reads a table of the user's. Rows whose accuracy is still empty,
// as nas ask writes them, are an error that names the line.
func ownBenchmark(path string) (*benchmark.Benchmark, error) {
	f, err := boundedfile.Open(path)
	if err != nil {
		return nil, usagef("--benchmark: %w", err)
	}
	defer f.Close()
	return benchmark.Read(path, f, func(arch string) (*blocks.Network, error) {
		n, err := find(arch)
		if err != nil {
			return nil, err
		}
		return n.Network, nil
	})
}

// writePairs prints how each score orders pairs of networks of about one cost,
// pairs that differ in one thing, and the networks of each family.
func writePairs(a *app, r *judge.Report) {
	t := table{head: []string{"score", "judged on", "pairs", "right order", "tau"}}
	for _, name := range slices.Sorted(maps.Keys(r.Proxies)) {
		p := r.Proxies[name]
		pairs := func(what string, q judge.PairReport) {
			if q.Pairs > 0 {
				t.add(name, what, fmt.Sprint(q.Pairs), fmt.Sprintf("%.0f %%", q.RightPct), fmt.Sprintf("%.3f", q.Tau()))
			}
		}
		if p.NearMACs != nil {
			pairs("MACs within 10 %", *p.NearMACs)
		}
		for _, kind := range slices.Sorted(maps.Keys(p.OneThing)) {
			pairs("differ in "+kind, p.OneThing[kind])
		}
		for _, g := range slices.Sorted(maps.Keys(p.GroupTau)) {
			t.add(name, "family "+g, "-", "-", fmt.Sprintf("%.3f", p.GroupTau[g]))
		}
		if p.MAE != nil && p.Coverage != nil {
			bias := ""
			if p.Bias != nil {
				bias = fmt.Sprintf(", bias %+.2f", *p.Bias)
			}
			t.add(name, fmt.Sprintf("mean error %.2f points%s, 90 %% intervals cover %.0f %%", *p.MAE, bias, *p.Coverage),
				"-", "-", "-")
		}
	}
	if len(t.rows) > 0 {
		a.printf("\n")
		t.write(a.stdout)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Proxies)) {
		writePairList(a, name, r.Proxies[name].OneThingList)
	}
}

// maxListedPairs is the largest number of pairs that are listed without --json.
const maxListedPairs = 40

// writePairList prints the pairs that differ in one thing, up to maxListedPairs.
func writePairList(a *app, score string, list []judge.Pair) {
	if len(list) == 0 || len(list) > maxListedPairs {
		return
	}
	a.printf("\n%s, the pairs that differ in one thing: differences of the second to the first, "+
		"published in points of accuracy\n\n", score)
	right, ties, inside, known := 0, 0, 0, 0
	t := table{head: []string{"order", "published", "by the score", "90 %", "differ in", "how", "networks"}}
	for _, p := range list {
		interval := "-"
		if p.Interval != nil {
			interval = fmt.Sprintf("%+.2f to %+.2f", p.Interval[0], p.Interval[1])
			known++
			if p.Interval[0] <= p.Published && p.Published <= p.Interval[1] {
				inside++
			}
		}
		switch p.Order {
		case "right":
			right++
		case "tie":
			ties++
		}
		t.add(p.Order, fmt.Sprintf("%+.2f", p.Published), fmt.Sprintf("%+.2f", p.Estimated), interval, p.Differ, p.Change,
			p.From+" -> "+p.To)
	}
	t.write(a.stdout)
	a.printf("\n%d of %d are in the right order", right, len(list))
	if ties > 0 {
		a.printf(", %d tied, which the share counts as half", ties)
	}
	if known > 0 {
		a.printf("; the published difference lies in the interval in %d of %d", inside, known)
	}
	a.printf("\n")
}

// writeFewShot prints how well the surrogate ranks, by the number of networks that it is
// fitted to.
func writeFewShot(a *app, r *judge.Report) {
	if len(r.FewShot) == 0 {
		return
	}
	t := table{head: []string{
		"surrogate of", "draws", "tau", "error", "same-cost tau", "mean regret", "worst", "tau untrained", "regret", "lower in",
	}}
	for _, f := range r.FewShot {
		t.add(fmt.Sprintf("%d trained", f.Trained), f.Draws, fmt.Sprintf("%.3f", f.KendallTau),
			fmt.Sprintf("%.3f", f.Error), fmt.Sprintf("%.3f", f.SameCostTau),
			fmt.Sprintf("%.2f", f.RegretMean), fmt.Sprintf("%.2f", f.RegretWorst), fmt.Sprintf("%.3f", f.PriorTau),
			fmt.Sprintf("%.2f", f.PriorRegret), fmt.Sprintf("%d draws", f.Below))
	}
	t.write(a.stdout)
}

// splitSpecs splits at the commas outside parentheses: a score such as
// rankmean(naswot,depth) has some inside.
func splitSpecs(s string) []string {
	var out []string
	depth, from := 0, 0
	for i, r := range s + "," {
		switch {
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ',' && depth <= 0:
			if t := strings.TrimSpace((s + ",")[from:i]); t != "" {
				out = append(out, t)
			}
			from = i + 1
		}
	}
	if t := strings.TrimSpace(s[min(from, len(s)):]); t != "" {
		out = append(out, t) // a parenthesis is not closed: let the parser say so
	}
	return out
}
