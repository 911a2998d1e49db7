package imagenet

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math"

	"nas/accuracy/benchmark"
	"nas/internal/stat"
)

// Settings of the fit. The menu and the strengths of the ridge were fixed before
// the figures of the stored model were computed; averaging over them replaces a
// choice that five families are too few to make.

// Fit fits the estimate to the built-in tables, validates it, writes
// what it finds to log and returns the model in its stored form. It takes a
// minute or two.
func Fit(log io.Writer) ([]byte, error) {
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
	tau, coverage := stat.KendallTau(x, y), coveragePct(out)
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
	m.Provenance = provenance{
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
		text, err := benchmark.Text(file)
		if err != nil {
			return nil, err
		}
		m.Provenance.Tables[file] = fmt.Sprintf("sha256:%x", sha256.Sum256(text))
	}
	return json.Marshal(m)
}

func round(v float64, digits int) float64 {
	f := math.Pow10(digits)
	return math.Round(v*f) / f
}
