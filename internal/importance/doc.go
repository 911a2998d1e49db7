// Package importance finds out which genes of a space the values of a run depend on: the shares of the variance
// that single genes explain, and that genes explain together.
//
// A surrogate is fitted to the trials: a ridge regression on the choices of the genes, and a random forest on what
// it leaves. The variance of the surrogate over the whole space is then decomposed, as functional ANOVA does
// (Hutter, Hoos and Leyton-Brown, An efficient approach for assessing hyperparameter importance, ICML 2014). The
// space is sampled as [space.Space.Sample] does it: every gene uniform over its choices. A gene of a block that is
// not there changes nothing, because the surrogate sees canonical genotypes. So such a gene counts as often as its
// block is there.
package importance
