// Package lint holds the house rules that no compiler checks, as tests: who may
// import whom, and what must never be found in the tree.
package lint
