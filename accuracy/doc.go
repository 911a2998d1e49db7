// Package accuracy says how good a network will be without training it, and
// says how far that can be believed.
//
// An [Estimator] scores any [blocks.Network]: one lowered from a search space,
// written by hand, or read from a file. There are two kinds.
//
// Training-free proxies (params, macs, depth, entropy, profile, naswot, zen,
// synflow) have a scale of their own; only the order of their values means
// anything. [RankMean] puts several of them on one scale.
//
// The fitted estimate, imagenet, is a top-1 accuracy in per cent with a 90 %
// interval, fitted to networks that were really trained.
//
// Estimators are made from a text such as "rankmean(naswot,depth)" by [New].
// All are deterministic for a seed and safe for concurrent use.
//
// [Validate] judges any estimator against tables of trained networks by rank
// correlation, rank correlation at equal cost, and regret under budgets.
package accuracy
