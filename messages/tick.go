package messages

// Tick comes every 5 s to actors that look for what took too long.
type Tick struct{ Now int64 } // nanoseconds on the process clock

// Depart asks the connections of some ports for an end in good order or, with Now set, to end at once.
type Depart struct {
	Ports map[*Port]bool
	Now   bool
}
