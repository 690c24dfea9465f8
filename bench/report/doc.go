// Package report turns what was measured into tables: goals, loads, memory and hostile inputs.
//
// Candidates take turns within a round, and a ratio is the median of the rounds' ratios: a machine changes its speed
// between rounds, less so within one. A round in which other processes used much of the machine is not compared.
package report
