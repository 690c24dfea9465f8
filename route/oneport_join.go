package route

// Join says what the answers of several brokers to one request are joined into.
type Join uint8

// The joins.
const (
	FirstSuccess Join = iota // any that succeeded; else the first broker's
	ErrorWins                // the first that failed; else the first broker's
	OneHit                   // the only one that succeeded; with several 15: the request does not say which is meant
	OfHeartbeats             // one that succeeded, with what all said of heartbeats
)
