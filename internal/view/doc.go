// Package view shows what package results has read of runs: the figures of fronts, growth and genes, the report, and
// the live page of a run that is under way.
package view
