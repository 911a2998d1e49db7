// Package regression says whether one network is faster or slower than another: by measuring both in turn until
// that is decided, or from a latency profile.
package regression
