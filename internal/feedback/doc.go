// Package feedback takes the accuracies of trained networks back into a run: [Ask] chooses which
// networks to train, [Tell] reads what came of it and ranks the front anew.
package feedback
