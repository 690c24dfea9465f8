package messages

// Fault makes the actor that receives it panic. Tests use it to show what supervision is worth.
type Fault struct{ Reason string }

// Tick comes every few seconds to those who look for things that took too long.
type Tick struct{ Now int64 } // nanoseconds on the process clock

// Drain asks for an end in good order: no new work, what is in flight is finished.
type Drain struct{}

// Depart asks the connections of some ports for the same, or, with Now set, to end at once.
type Depart struct {
	Ports map[*Port]bool
	Now   bool
}
