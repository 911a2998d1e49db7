package accuracy

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Settings of the fit. The menu and the strengths of the ridge were fixed before
// the figures of the stored model were computed; averaging over them replaces a
// choice that five families are too few to make.
const (
	tuneRows       = 1000 // rows whose marginal likelihood sets the process' hyperparameters
	tuneIterations = 50
	inducingPoints = 1300
	ceilingPct     = 90 // of the link -ln(ceiling - top-1)
	fitSeed        = 20
)

// headMenu are the sets of terms whose ridge regressions are averaged.
var headMenu = [][]int{
	{termG, termRes, termSwish, termMACs, termParams},
	{termG, termRes, termSwish, termMACs},
	{termG, termRes, termSwish, termParams},
}

// headRange is the range of each term over all published networks, rounded
// outwards; terms are clipped to it. It is the same with a family left out, so
// that what is judged there is the structure and not the clipping.
var headRange = [headTerms][2]float64{
	termG: {-4, -3}, termRes: {-1.3, 1.5}, termSwish: {0, 1}, termMACs: {-4, 6}, termParams: {-3, 3},
}

// headRidge are the strengths, on standardised terms.
var headRidge = []float64{2, 8}

// recipeRidge is the strength on the recipes' offsets.
const recipeRidge = 0.3

// families are the groups that are left out in turn.
var families = []string{"v1", "v2", "v3", "mnasnet", "efficientnet"}

// trained is a network as the fit sees it.
type trained struct {
	id, family string
	macs       int64
	top1       float64
	recipe     recipe
	t          traits
}

func accelTrained() ([]trained, error) {
	b, err := accelBenchmark()
	if err != nil {
		return nil, err
	}
	rows := make([]trained, len(b.Rows))
	for i, r := range b.Rows {
		rows[i] = trained{id: r.ID, family: "accel", macs: r.MACs, top1: r.Truth, t: readTraits(r.Network)}
	}
	return rows, nil
}

func publishedTrained() ([]trained, error) {
	pub, err := publishedRows()
	if err != nil {
		return nil, err
	}
	rows := make([]trained, len(pub))
	for i, r := range pub {
		rows[i] = trained{id: r.ID, family: r.Group, macs: r.MACs, top1: r.Truth, recipe: r.recipe, t: readTraits(r.Network)}
	}
	return rows, nil
}

// fitProcess fits the first level: features, their ranges, the process, and what
// the features say of MACs and parameters.
func fitProcess(accel []trained) (*imagenetModel, error) {
	m := &imagenetModel{Format: imagenetFormat, Ceiling: ceilingPct}
	n := len(accel)
	column := make([]float64, n)
	for s := range slots {
		sc := &m.Slots[s]
		for f := range perSlot {
			for i := range accel {
				column[i] = accel[i].t.x[s*perSlot+f]
			}
			sc.Low[f], sc.High[f] = slices.Min(column), slices.Max(column)
			sc.Mean[f], sc.SD[f] = stat.MeanStdDev(column, nil)
		}
	}
	x := mat.NewDense(n, slotFeatures, nil)
	y := make([]float64, n)
	for i := range accel {
		row, _ := m.standardise(&accel[i].t.x)
		x.SetRow(i, row[:])
		y[i] = -math.Log(ceilingPct - accel[i].top1)
	}
	order := sampleRows(n, n, fitSeed)
	some := order[:min(tuneRows, n)]
	tx, ty := mat.NewDense(len(some), slotFeatures, nil), make([]float64, len(some))
	for i, j := range some {
		tx.SetRow(i, x.RawRowView(j))
		ty[i] = y[j]
	}
	h, err := tuneGP(tx, ty, tuneIterations)
	if err != nil {
		return nil, err
	}
	g, err := inducingGP(h, x, y, distinctRows(x, order, inducingPoints))
	if err != nil {
		return nil, err
	}
	if err := m.store(g); err != nil {
		return nil, err
	}
	if m.MACs, err = beyond(x, accel, func(t *traits) float64 { return math.Log2(t.macs / 300e6) }); err != nil {
		return nil, err
	}
	if m.Params, err = beyond(x, accel, func(t *traits) float64 { return math.Log2(t.convParams / 3e6) }); err != nil {
		return nil, err
	}
	return m, nil
}

// distinctRows returns the first k of order whose rows of x differ.
func distinctRows(x *mat.Dense, order []int, k int) []int {
	var rows []int
	seen := make(map[[slotFeatures]float64]bool)
	for _, i := range order {
		if key := [slotFeatures]float64(x.RawRowView(i)); !seen[key] && len(rows) < k {
			seen[key] = true
			rows = append(rows, i)
		}
	}
	return rows
}

// store takes over a process.
func (m *imagenetModel) store(g *gp) error {
	p := &m.Process
	p.gpHyper, p.Mean, p.SD, p.Alpha = g.h, g.mean, g.sd, g.alpha
	p.Slope = make([]float64, slotFeatures)
	n, d := g.raw.Dims()
	for i := range n {
		row := g.raw.RawRowView(i)
		p.Offset += g.alpha[i]
		for j, v := range row {
			p.Slope[j] += g.alpha[i] * g.h.Linear * v / float64(d)
		}
		var pt point7
		for s := range slots {
			opt := [perSlot]float64(row[s*perSlot:][:perSlot])
			at := slices.Index(m.Slots[s].Options, opt)
			if at < 0 {
				at = len(m.Slots[s].Options)
				m.Slots[s].Options = append(m.Slots[s].Options, opt)
			}
			if at >= maxOptions {
				return fmt.Errorf("accuracy: slot %d has more than %d combinations of features", s+1, maxOptions)
			}
			pt[s] = at
		}
		p.Points = append(p.Points, pt)
	}
	return nil
}

// beyond regresses a quantity on the features and their products.
func beyond(x *mat.Dense, rows []trained, f func(t *traits) float64) (quadratic, error) {
	n, d := x.Dims()
	a := mat.NewDense(n, d+products, nil)
	y, w, ridge := make([]float64, n), make([]float64, n), make([]float64, d+products)
	for i := range n {
		src, dst := x.RawRowView(i), a.RawRowView(i)
		at := copy(dst, src)
		for j, v := range src {
			for _, u := range src[j:] {
				dst[at] = v * u
				at++
			}
		}
		y[i], w[i] = f(&rows[i].t), 1
	}
	for j := range ridge {
		ridge[j] = 1
	}
	c, b, err := ridgeRegression(a, y, w, ridge)
	if err != nil {
		return quadratic{}, err
	}
	return quadratic{Intercept: b, Linear: c[:d], Product: c[d:]}, nil
}

// ridgeRegression minimises sum w (y - b - x.c)^2 + sum ridge c^2.
func ridgeRegression(x *mat.Dense, y, w, ridge []float64) (c []float64, b float64, err error) {
	n, d := x.Dims()
	mean := make([]float64, d)
	col := make([]float64, n)
	for j := range d {
		mean[j] = stat.Mean(mat.Col(col, j, x), w)
	}
	my := stat.Mean(y, w)
	centred, r := mat.NewDense(n, d, nil), make([]float64, d)
	for i := range n {
		row, dst, root := x.RawRowView(i), centred.RawRowView(i), math.Sqrt(w[i])
		for j := range d {
			dst[j] = root * (row[j] - mean[j])
			r[j] += root * dst[j] * (y[i] - my)
		}
	}
	a := mat.NewSymDense(d, nil)
	a.SymOuterK(1, centred.T())
	for j := range d {
		a.SetSym(j, j, a.At(j, j)+ridge[j]+1e-9)
	}
	var f mat.Cholesky
	if !f.Factorize(a) {
		return nil, 0, errNotPositive
	}
	var s mat.VecDense
	if err := f.SolveVecTo(&s, mat.NewVecDense(d, r)); err != nil {
		return nil, 0, fmt.Errorf("accuracy: %w", err)
	}
	c, b = s.RawVector().Data, my
	for j := range d {
		b -= c[j] * mean[j]
	}
	return c, b, nil
}

// fitHead fits the second level to published results: the mean of the ridge
// regressions of the menu. Rows of a family weigh sqrt(40/rows), so that a family
// published at 25 sizes does not outweigh the others fivefold.
func (m *imagenetModel) fitHead(rows []trained) error {
	if err := m.fillTerms(); err != nil {
		return err
	}
	count := make(map[string]float64)
	for i := range rows {
		count[rows[i].family]++
	}
	n := len(rows)
	in := make([][headTerms]float64, n)
	y, w := make([]float64, n), make([]float64, n)
	for i := range rows {
		in[i], _ = m.headInputs(&rows[i].t)
		y[i] = -math.Log(ceilingPct - rows[i].top1)
		w[i] = math.Sqrt(40 / count[rows[i].family])
	}
	var mean, sd [headTerms]float64
	col := make([]float64, n)
	var fitted [headTerms]headTerm
	for k := range headTerms {
		for i := range in {
			col[i] = in[i][k]
		}
		mean[k], sd[k] = stat.MeanStdDev(col, nil)
		if sd[k] == 0 {
			sd[k] = 1 // a term that these families do not have, such as swish
		}
		fitted[k].Low, fitted[k].High = headRange[k][0], headRange[k][1]
	}
	m.Intercept, m.Recipes = 0, map[string]float64{}
	share := 1 / float64(len(headMenu)*len(headRidge))
	recipes := len(recipeNames) - 1 // base has none
	for _, terms := range headMenu {
		for _, strength := range headRidge {
			d := len(terms) + recipes
			x, ridge := mat.NewDense(n, d, nil), make([]float64, d)
			for j, k := range terms {
				ridge[j] = strength
				if k == termG {
					ridge[j] = strength / 10 // the term that the structure rests on
				}
				for i := range in {
					x.Set(i, j, (in[i][k]-mean[k])/sd[k])
				}
			}
			for j := range recipes {
				ridge[len(terms)+j] = recipeRidge
				for i := range rows {
					if int(rows[i].recipe) == j+1 {
						x.Set(i, len(terms)+j, 1)
					}
				}
			}
			c, b, err := ridgeRegression(x, y, w, ridge)
			if err != nil {
				return err
			}
			m.Intercept += share * b
			for j, k := range terms {
				fitted[k].Coefficient += share * c[j] / sd[k]
				m.Intercept -= share * c[j] * mean[k] / sd[k]
			}
			for j := range recipes {
				m.Recipes[recipeNames[j+1]] += share * c[len(terms)+j]
			}
		}
	}
	m.Recipes[recipeNames[baseRecipe]] = 0
	m.Terms = make(map[string]headTerm, headTerms)
	for k, t := range fitted {
		m.Terms[headTermNames[k]] = t
	}
	return m.ready()
}

// fillTerms makes a model without second level usable for headInputs.
func (m *imagenetModel) fillTerms() error {
	if m.Terms == nil {
		m.Terms = map[string]headTerm{}
		for _, name := range headTermNames {
			m.Terms[name] = headTerm{}
		}
	}
	return m.ready()
}

// leftOut is the estimate of a network by a model fitted without its family.
type leftOut struct {
	trained
	estimate float64
	low      float64 // of the interval, itself from the other families
	high     float64
}

// leaveFamiliesOut estimates each published network by a second level that has
// not seen its family; the interval comes from leaving out families among the
// others. The recipe class of the network is given.
func leaveFamiliesOut(first *imagenetModel, rows []trained) ([]leftOut, error) {
	var out []leftOut
	for _, family := range families {
		in, rest := splitFamily(rows, family)
		if len(in) == 0 {
			continue
		}
		m := *first
		if err := m.fitHead(rest); err != nil {
			return nil, err
		}
		var others []leftOut
		for _, inner := range families {
			a, b := splitFamily(rest, inner)
			if len(a) == 0 {
				continue
			}
			k := *first
			if err := k.fitHead(b); err != nil {
				return nil, err
			}
			for _, r := range a {
				e, _ := k.estimate(&r.t, r.recipe)
				others = append(others, leftOut{trained: r, estimate: e})
			}
		}
		m.HalfWidth = halfWidthAt75(others)
		for _, r := range in {
			e, _ := m.estimate(&r.t, r.recipe)
			h := m.halfWidth(e)
			out = append(out, leftOut{trained: r, estimate: e, low: e - h, high: e + h})
		}
	}
	return out, nil
}

// classesFixedBefore returns the rows with the recipe classes that were fixed
// before any error had been seen: early recipes count as base.
func classesFixedBefore(rows []trained) []trained {
	rows = slices.Clone(rows)
	for i := range rows {
		if rows[i].recipe == earlyRecipe {
			rows[i].recipe = baseRecipe
		}
	}
	return rows
}

func splitFamily(rows []trained, family string) (in, rest []trained) {
	for _, r := range rows {
		if r.family == family {
			in = append(in, r)
		} else {
			rest = append(rest, r)
		}
	}
	return in, rest
}

// halfWidthAt75 is the half-width of a 90 % interval for a network of a family
// not seen, at an estimate of 75 %: errors are scaled by errorScale, then
//
//	t(0.95; nu) sqrt(B + V),  B = mean_f bias_f^2,  V = mean_f variance_f
//
// over the F families, each of which counts once. B has F degrees of freedom, V
// those of all n networks less F; their sum has
//
//	nu = (B + V)^2 / (B^2/F + V^2/(n-F))
//
// (Satterthwaite, An approximate distribution of estimates of variance
// components, Biometrics Bulletin 1946, equation 17).
func halfWidthAt75(rows []leftOut) float64 {
	var b, v, f, n float64
	for _, e := range scaledErrors(rows) {
		mean := stat.Mean(e, nil)
		b += mean * mean
		v += stat.MomentAbout(2, e, mean, nil)
		f++
		n += float64(len(e))
	}
	if f == 0 {
		return math.NaN()
	}
	b, v = b/f, v/f
	nu := (b + v) * (b + v) / (b*b/f + v*v/max(n-f, 1))
	return distuv.StudentsT{Sigma: 1, Nu: nu}.Quantile(0.95) * math.Sqrt(b+v)
}

// scaledErrors returns the errors by family, as they would be at 75 %.
func scaledErrors(rows []leftOut) (byFamily [][]float64) {
	for _, family := range families {
		var e []float64
		for _, r := range rows {
			if r.family == family {
				e = append(e, (r.estimate-r.top1)/errorScale(r.estimate))
			}
		}
		if len(e) > 0 {
			byFamily = append(byFamily, e)
		}
	}
	return byFamily
}

// betweenRange is how near two estimates must be for the pair to count in
// betweenAt75: a front decides between networks of about one accuracy.
const betweenRange = 2.0

// betweenAt75 is the standard deviation, at an estimate of 75 %, of the part of
// the error that a network does not share with others: half the mean squared
// difference of two errors, over the pairs of one family and one recipe class
// whose estimates are near. Families count equally. What trainings of one network
// differ by is in it.
func betweenAt75(rows []leftOut) float64 {
	sum, n := 0.0, 0.0
	for _, family := range families {
		squares, pairs := 0.0, 0.0
		for i, a := range rows {
			for _, b := range rows[:i] {
				if a.family != family || b.family != family || a.recipe != b.recipe || math.Abs(a.estimate-b.estimate) > betweenRange {
					continue
				}
				d := (a.estimate-a.top1)/errorScale(a.estimate) - (b.estimate-b.top1)/errorScale(b.estimate)
				squares += d * d / 2
				pairs++
			}
		}
		if pairs > 0 {
			sum += squares / pairs
			n++
		}
	}
	return math.Sqrt(sum / n)
}

// betweenOnAccel is the same of the accel networks at 75 %, from estimates by
// models that had not seen them: the scatter about a line, on the scale of the
// link, between estimate and accuracy, whose levels differ by the recipe.
func betweenOnAccel(accel []trained, estimates []float64) float64 {
	x, y := make([]float64, len(accel)), make([]float64, len(accel))
	for i := range accel {
		x[i], y[i] = -math.Log(ceilingPct-accel[i].top1), -math.Log(ceilingPct-estimates[i])
	}
	a, b := stat.LinearRegression(x, y, nil, false)
	for i := range x {
		y[i] -= a + b*x[i]
	}
	return (ceilingPct - 75) * stat.StdDev(y, nil)
}

// familyMAE is the mean over families of their mean absolute errors.
func familyMAE(rows []leftOut) (mean float64, each map[string]float64) {
	each = make(map[string]float64)
	for _, family := range families {
		sum, n := 0.0, 0.0
		for _, r := range rows {
			if r.family == family {
				sum += math.Abs(r.estimate - r.top1)
				n++
			}
		}
		each[family] = sum / n
		mean += sum / n / float64(len(families))
	}
	return mean, each
}

// coveragePct is the share of networks within their interval.
func coveragePct(rows []leftOut) float64 {
	inside := 0.0
	for _, r := range rows {
		if r.low <= r.top1 && r.top1 <= r.high {
			inside++
		}
	}
	return 100 * inside / float64(len(rows))
}

// crossValidation is the accel part of a model's figures: each network estimated
// by a model fitted without its fold, through both levels.
type crossValidation struct {
	tau, sameCost, regretMean, regretWorst float64
	processTau, processSameCost            float64   // of the first level alone
	estimates                              []float64 // of each network by a model that had not seen it
}

// crossValidate refits everything, hyperparameters included, for each fold. The
// figures are means over the folds.
func crossValidate(accel, pub []trained, folds int) (crossValidation, error) {
	order := sampleRows(len(accel), len(accel), fitSeed+1)
	c := crossValidation{estimates: make([]float64, len(accel))}
	for f := range folds {
		var in, out []trained
		var at []int
		for i, j := range order {
			if i%folds == f {
				out, at = append(out, accel[j]), append(at, j)
			} else {
				in = append(in, accel[j])
			}
		}
		m, err := fitProcess(in)
		if err != nil {
			return c, err
		}
		if err := m.fitHead(pub); err != nil {
			return c, err
		}
		rows, first := make([]Judged, len(out)), make([]Judged, len(out))
		x, y, z := make([]float64, len(out)), make([]float64, len(out)), make([]float64, len(out))
		for i := range out {
			e, _ := m.estimate(&out[i].t, baseRecipe)
			rows[i] = Judged{ID: out[i].id, MACs: out[i].macs, Truth: out[i].top1, Score: e}
			x[i], y[i] = e, out[i].top1
			c.estimates[at[i]] = round(e, 4)
			in, _ := m.headInputs(&out[i].t)
			first[i] = rows[i]
			first[i].Score, z[i] = in[termG], in[termG]
		}
		c.processTau += KendallTau(z, y) / float64(folds)
		c.processSameCost += SameCostTau(first) / float64(folds)
		mean, worst := Regret(rows)
		k := float64(folds)
		c.tau += KendallTau(x, y) / k
		c.sameCost += SameCostTau(rows) / k
		c.regretMean += mean / k
		c.regretWorst += worst / k
	}
	return c, nil
}

// FitImageNet fits the estimate to the built-in tables, validates it, writes
// what it finds to log and returns the model in its stored form. It takes a
// minute or two.
func FitImageNet(log io.Writer) ([]byte, error) {
	accel, err := accelTrained()
	if err != nil {
		return nil, err
	}
	pub, err := publishedTrained()
	if err != nil {
		return nil, err
	}
	cv, err := crossValidate(accel, pub, 5)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(log, "accel, 5 folds: tau %.4f, same cost %.4f, regret %.2f (worst %.2f); before the second level %.4f, %.4f\n",
		cv.tau, cv.sameCost, cv.regretMean, cv.regretWorst, cv.processTau, cv.processSameCost)
	m, err := fitProcess(accel)
	if err != nil {
		return nil, err
	}
	out, err := leaveFamiliesOut(m, classesFixedBefore(pub))
	if err != nil {
		return nil, err
	}
	early, err := leaveFamiliesOut(m, pub)
	if err != nil {
		return nil, err
	}
	mae, each := familyMAE(out)
	earlyMAE, _ := familyMAE(early)
	x, y := make([]float64, len(out)), make([]float64, len(out))
	for i, r := range out {
		x[i], y[i] = r.estimate, r.top1
	}
	tau, coverage := KendallTau(x, y), coveragePct(out)
	if err := m.fitHead(pub); err != nil {
		return nil, err
	}
	m.HalfWidth, m.Between, m.AccelHeldOut = halfWidthAt75(out), betweenAt75(out), cv.estimates
	accelBetween := betweenOnAccel(accel, cv.estimates)
	fmt.Fprintf(log, "published, one family left out at a time: MAE %.2f (", mae)
	for _, family := range families {
		fmt.Fprintf(log, " %s %.2f", family, each[family])
	}
	fmt.Fprintf(log, " ), tau %.3f, 90 %% intervals cover %.0f %%, half-width at 75 %%: %.2f\n", tau, coverage, m.HalfWidth)
	fmt.Fprintf(log, "the same with a class of early recipes: MAE %.2f, intervals cover %.0f %%\n", earlyMAE, coveragePct(early))
	fmt.Fprintf(log, "errors that networks of one space do not share, at 75 %%: %.2f points on published families, %.2f on accel\n", m.Between, accelBetween)
	m.Provenance = imagenetProvenance{
		Command: "make accuracy-model", Tables: map[string]string{}, Published: len(pub), Accel: len(accel),
		Figures: map[string]float64{
			"accel_5fold_tau": round(cv.tau, 4), "accel_5fold_same_cost_tau": round(cv.sameCost, 4),
			"accel_5fold_first_level_tau": round(cv.processTau, 4), "accel_5fold_first_level_same_cost_tau": round(cv.processSameCost, 4),
			"accel_5fold_regret_mean_pct": round(cv.regretMean, 3), "accel_5fold_regret_worst_pct": round(cv.regretWorst, 3),
			"accel_between_sd_at_75_pct":        round(accelBetween, 3),
			"published_family_left_out_mae_pct": round(mae, 3), "published_family_left_out_tau": round(tau, 4),
			"published_family_left_out_coverage_pct":            round(coverage, 1),
			"published_family_left_out_mae_with_early_pct":      round(earlyMAE, 3),
			"published_family_left_out_coverage_with_early_pct": round(coveragePct(early), 1),
		},
	}
	for _, file := range []string{"accel_nasbench_mnasnet_imagenet.csv", "imagenet_published.csv", "published_networks.csv"} {
		text, err := tables.ReadFile("data/" + file)
		if err != nil {
			return nil, fmt.Errorf("accuracy: %w", err)
		}
		m.Provenance.Tables[file] = fmt.Sprintf("sha256:%x", sha256.Sum256(text))
	}
	return json.Marshal(m)
}

func round(v float64, digits int) float64 {
	f := math.Pow10(digits)
	return math.Round(v*f) / f
}
