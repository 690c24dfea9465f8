package messages

// PausePorts tells a listener that all permits for connections are taken, or that some are free again: clients that
// connect are refused meanwhile.
type PausePorts struct{ On bool }
