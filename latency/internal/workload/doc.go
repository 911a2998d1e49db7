// Package workload says what a unit of a network looks like to a cost model: amounts of work that take time in
// proportion, and coordinates in which what the amounts get wrong is smooth.
package workload
