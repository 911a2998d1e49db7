package train

import "math"

// crossEntropy is the loss of one image: the cross entropy of the softmax of its logits with a target that has
// 1-smoothing+smoothing/classes for the label and smoothing/classes for the others (Szegedy et al., Rethinking the
// Inception architecture, CVPR 2016, section 7). It writes the gradient by the logits, times scale, to d. right tells
// whether the label has the largest logit.
func crossEntropy[T float32 | float64](d, logits []T, label int, smoothing, scale float64) (loss float64, right bool) {
	most := math.Inf(-1)
	best := 0
	for i, v := range logits {
		if float64(v) > most {
			most, best = float64(v), i
		}
	}
	sum := 0.0
	for _, v := range logits {
		sum += math.Exp(float64(v) - most)
	}
	log := most + math.Log(sum)
	each := smoothing / float64(len(logits))
	for i, v := range logits {
		target := each
		if i == label {
			target += 1 - smoothing
		}
		loss -= target * (float64(v) - log)
		d[i] = T((math.Exp(float64(v)-log) - target) * scale)
	}
	return loss, best == label
}
