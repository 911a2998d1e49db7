// Package accuracy estimates how good a network will be without training it, and
// how far that estimate can be trusted.
//
// An [Estimator] scores any [blocks.Network]: one lowered from a search space,
// written by hand, or read from a file. [New] makes one from a text such as
// "rankmean(naswot,depth)". All are deterministic for a seed and safe for concurrent
// use; package accuracytest holds any implementation to that. There are three kinds:
//
//   - Training-free proxies (package proxy) have a scale of their own; only the order
//     of their values means anything. [RankMean] puts several on one scale:
//     "rankmean(naswot_sqrt,naswot_even,naswot_spread,profile)" ranks best without any
//     training among those tried on the development half of NAS-Bench-Macro.
//   - [ImageNet], the fitted estimate (package imagenet), is a top-1 accuracy in per
//     cent with a 90 % interval, fitted to networks that were really trained. It
//     refuses what its data says nothing of, or widens the interval and warns.
//   - A [Surrogate] is fitted to networks that the user has trained.
//
// Package benchmark has tables of trained networks, and package judge compares any
// estimator with them.
package accuracy
