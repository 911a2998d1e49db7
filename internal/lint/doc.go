// Package lint holds the house rules that no compiler checks, as tests: who may
// import whom, how files depend on each other, how long lines and functions may be,
// which names need a comment and a user.
package lint
