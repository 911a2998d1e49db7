// Package work is how long work is done and how it says what it does: several networks at once, lines of text, and how
// far a step has come.
package work
