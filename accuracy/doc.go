// Package accuracy says how good a network will be without training it, and
// says how far that can be believed.
//
// An [Estimator] scores any [blocks.Network]: one lowered from a search space,
// written by hand, or read from a file. There are two kinds.
//
// Training-free proxies have a scale of their own; only the order of their
// values means anything. Closed forms (params, macs, depth, entropy, profile,
// synflow) cost microseconds; naswot and its relatives (naswot_sqrt,
// naswot_even, naswot_spread) and zen run the network once with random weights,
// at a fraction of its resolution. [RankMean] puts several on one scale:
// "rankmean(naswot_sqrt,naswot_spread,profile)" is what loses least under budgets
// without any training among those tried on the development half of
// NAS-Bench-Macro.
//
// The fitted estimate, imagenet, is a top-1 accuracy in per cent with a 90 %
// interval, fitted to networks that were really trained. It refuses what its
// data says nothing of, or widens and warns.
//
// A [Surrogate] is fitted to networks that the user has trained.
//
// Estimators are made from a text such as "rankmean(naswot,depth)" by [New].
// All are deterministic for a seed and safe for concurrent use.
//
// [Validate] judges any estimator against tables of trained networks by rank
// correlation, rank correlation at equal cost, and regret under budgets.
package accuracy
