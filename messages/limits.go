package messages

// Refuse tells a listener that all permits for connections are taken, or that some are free again: who connects is
// refused meanwhile.
type Refuse struct{ On bool }
