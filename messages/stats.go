package messages

// SampleKind says what a Sample counts.
type SampleKind uint8

// Kinds of samples. "Waiting" is a request that is not yet handed to an upstream.
const (
	RequestRead       SampleKind = iota // Code; a request that will be answered begins to be active
	OnewayRead                          // Code; counted and gone
	RequestWaiting                      // Code; joins the pending ones
	RequestHanded                       // Code; leaves them
	RequestAnswered                     // Code, Response, Nanos: an answer was given
	RequestAbandoned                    // Code: it cannot be answered any more
	RequestMalformed                    // bytes of a client that are no frame
	ResponseRead                        // Code -1 or the request's; a frame of an upstream with the response bit
	ResponseMalformed                   // bytes of an upstream that are no frame
	PushRead                            // Code; a request of a broker for the client
	PushAnswered                        // an answer of the client to a push
	OnewayLost                          // Code; a oneway request that met no upstream
	UpstreamOpened
	UpstreamLost
	HeartbeatReplayed
)

// Sample is one thing that happened on a connection.
type Sample struct {
	Kind     SampleKind
	Own      bool // the proxy made the answer
	Code     int32
	Response int32
	Nanos    int64
}

// Delta is what happened on one connection since the last one. The receiver owns it.
type Delta struct {
	Port     *Port
	Samples  []Sample
	FromDown int64 // bytes read from the client
	ToDown   int64 // bytes written, or kept for writing, to the client
	FromUp   int64
	ToUp     int64
	Opened   int // connections
	Closed   int
}
