package fit

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math"

	"nas/accuracy/benchmark"
	"nas/accuracy/internal/twolevel"
	"nas/internal/stat"
)

// ImageNet fits the model to the built-in tables, validates it, writes what it finds to
// log and returns the model in its stored form. It takes a few minutes.
func ImageNet(log io.Writer) ([]byte, error) {
	accel, err := accelTrained()
	if err != nil {
		return nil, err
	}
	published, err := publishedTrained()
	if err != nil {
		return nil, err
	}
	cv, err := crossValidate(accel, published, 5)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(log, "accel, 5 folds: tau %.4f, same cost %.4f, regret %.2f (worst %.2f); "+
		"before the second level %.4f, %.4f\n",
		cv.model.tau, cv.model.sameCost, cv.model.regretMean, cv.model.regretWorst, cv.process.tau, cv.process.sameCost)
	m, err := fitProcess(accel)
	if err != nil {
		return nil, err
	}
	out, err := leaveFamiliesOut(m, published)
	if err != nil {
		return nil, err
	}
	plain, err := leaveFamiliesOut(m, withoutEarly(published))
	if err != nil {
		return nil, err
	}
	if err := fitHead(m, published); err != nil {
		return nil, err
	}
	m.HalfWidth, m.Between = halfWidthAt75(plain), betweenAt75(out)
	for _, v := range cv.estimates {
		m.AccelHeldOut = append(m.AccelHeldOut, round(v, 4))
	}
	m.Provenance = twolevel.Provenance{
		Command: "make accuracy-model", Published: len(published), Accel: len(accel),
		Figures: validate(m, cv, out, plain, accel, log),
	}
	m.Provenance.Tables, err = hashes("accel_nasbench_mnasnet_imagenet.csv", "imagenet_published.csv",
		"published_networks.csv", "imagenet_families.csv")
	if err != nil {
		return nil, err
	}
	return json.Marshal(m)
}

// validate returns the figures of a model, of which those of published networks come
// from out, and from plain where early recipes count as base.
func validate(
	m *twolevel.Model, cv crossValidation, out, plain []heldOut, accel []trained, log io.Writer,
) map[string]float64 {
	mae, each := familyMAE(out)
	plainMAE, _ := familyMAE(plain)
	x, y := make([]float64, len(out)), make([]float64, len(out))
	for i, r := range out {
		x[i], y[i] = r.estimate, r.top1
	}
	tau, coverage := stat.KendallTau(x, y), coveragePct(out)
	accelBetween := betweenOnAccel(accel, m.AccelHeldOut)
	fmt.Fprintf(log, "published, one family left out at a time: MAE %.2f (", mae)
	for _, family := range families {
		fmt.Fprintf(log, " %s %.2f", family, each[family])
	}
	fmt.Fprintf(log, " ), tau %.3f, 90 %% intervals cover %.0f %%, half-width at 75 %%: %.2f\n",
		tau, coverage, m.HalfWidth)
	fmt.Fprintf(log, "the same without a class of early recipes: MAE %.2f, intervals cover %.0f %%\n",
		plainMAE, coveragePct(plain))
	fmt.Fprintf(log, "errors that networks of one space do not share, at 75 %%: "+
		"%.2f points on published families, %.2f on accel\n", m.Between, accelBetween)
	return map[string]float64{
		"accel_5fold_tau":                                      round(cv.model.tau, 4),
		"accel_5fold_same_cost_tau":                            round(cv.model.sameCost, 4),
		"accel_5fold_first_level_tau":                          round(cv.process.tau, 4),
		"accel_5fold_first_level_same_cost_tau":                round(cv.process.sameCost, 4),
		"accel_5fold_regret_mean_pct":                          round(cv.model.regretMean, 3),
		"accel_5fold_regret_worst_pct":                         round(cv.model.regretWorst, 3),
		"accel_between_sd_at_75_pct":                           round(accelBetween, 3),
		"published_family_left_out_mae_pct":                    round(mae, 3),
		"published_family_left_out_tau":                        round(tau, 4),
		"published_family_left_out_coverage_pct":               round(coverage, 1),
		"published_family_left_out_mae_without_early_pct":      round(plainMAE, 3),
		"published_family_left_out_coverage_without_early_pct": round(coveragePct(plain), 1),
	}
}

// hashes returns the SHA-256 of tables, by file.
func hashes(files ...string) (map[string]string, error) {
	sums := map[string]string{}
	for _, file := range files {
		text, err := benchmark.Text(file)
		if err != nil {
			return nil, err
		}
		sums[file] = fmt.Sprintf("sha256:%x", sha256.Sum256(text))
	}
	return sums, nil
}

func round(v float64, digits int) float64 {
	f := math.Pow10(digits)
	return math.Round(v*f) / f
}
