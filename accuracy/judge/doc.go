// Package judge compares estimators with tables of trained networks: by rank
// correlation, rank correlation at equal cost, regret under budgets, and pairs of
// networks that differ in one thing.
package judge
