package messages

import (
	"math"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// SampleKind says what a Sample counts.
type SampleKind uint8

// Kinds of samples. "Waiting" is a request that is not yet handed to an upstream.
const (
	RequestRead         SampleKind = iota // Code; a request that will be answered begins to be active
	OnewayRead                            // Code; counted and gone
	RequestWaiting                        // Code; joins the pending ones
	RequestHanded                         // Code; leaves them
	OnewayParked                          // Code; a request without an answer that waits begins to be active
	OnewayHanded                          // Code; it ends
	RequestAnswered                       // Code, Response, Nanos: an answer was given
	RequestAbandoned                      // Code: it can no longer be answered
	RequestMalformed                      // bytes of a client that are no frame
	ResponseRead                          // a frame of an upstream with the response bit
	ResponseMalformed                     // bytes of an upstream that are no frame
	UpstreamRequestRead                   // a request of a broker for the client
	UpstreamOpened
	UpstreamLost
	HeartbeatReplayed
	ReadPaused // a client is not read on until answers are given or taken
	MaintenanceRejected
	RequestMovedAway // Code: another process has it now
	RequestMovedHere // Code: it came from another process
	ConnectionMovedAway
	ConnectionMovedHere
)

// HasCode reports whether samples of this kind are counted by request code.
func (k SampleKind) HasCode() bool {
	return k <= RequestAbandoned || k == RequestMovedAway || k == RequestMovedHere
}

// Sample is one thing that happened on a connection, or the same several times.
type Sample struct {
	Kind     SampleKind
	Local    bool   // the proxy made the answer
	Again    uint16 // how often the same happened again
	Code     int32  // of the request
	Response int32  // code, of RequestAnswered
	Nanos    int64  // from the request to its answer, of RequestAnswered
}

// Delta is what happened on one connection while it worked on one message.
type Delta struct {
	Samples            []Sample
	DownstreamReceived int64 // bytes read from the client
	DownstreamSent     int64 // bytes written, or kept for writing, to the client
	UpstreamReceived   int64
	UpstreamSent       int64
	Opened             int // connections
	Closed             int
	Call               Call // of gRPC that has ended; the zero value: none
	Sessions           int  // of gRPC that began, less those that ended
}

// Call is how a call of gRPC has ended.
type Call struct {
	Method string // of the API; "other": it has no such method
	Code   string // the code of its status, such as "OK"; of gRPC's own, if the call has ended with that
}

// Add adds a sample. Frames come many in a chunk, and what happens to them is the same: then it is counted.
func (d *Delta) Add(one Sample) {
	n := len(d.Samples)
	for i := n - 1; i >= 0 && i >= n-2; i-- { // of each answer there are two kinds
		last := &d.Samples[i]
		if one.Again = last.Again; *last == one && last.Again < math.MaxUint16 {
			last.Again++
			return
		}
	}
	one.Again = 0
	d.Samples = append(d.Samples, one)
}

// Totals is what happened on all connections of one port that run on one executor, added up for a moment.
type Totals struct {
	Port               *Port
	Codes              []CodeTotals  // of the request codes that came, in no order
	LocalReplies       map[int32]int // answers that the proxy made, by response code
	Kinds              [ConnectionMovedHere + 1]int
	UpstreamTimes      []Times // of requests that an upstream answered
	LocalTimes         []Times // of those that the proxy answered
	DownstreamReceived int64
	DownstreamSent     int64
	UpstreamReceived   int64
	UpstreamSent       int64
	Opened             int
	Closed             int
	Calls              map[Call]int // of gRPC that have ended
	Sessions           int          // change
}

// Times is how many requests took how long.
type Times struct {
	Nanos int64
	Count int
}

// OtherCode stands for all request codes without a name.
const OtherCode = -1

// Code returns the sums of a request code. There are few codes in one moment, so that looking through them is faster
// than a map; and there can only be as many as have a name, whatever clients send.
func (t *Totals) Code(code int32) *CodeTotals {
	for i := range t.Codes {
		if t.Codes[i].Code == code {
			return &t.Codes[i]
		}
	}
	if code != OtherCode && !codec.KnownRequestCode(code) {
		return t.Code(OtherCode)
	}
	t.Codes = append(t.Codes, CodeTotals{Code: code})
	return &t.Codes[len(t.Codes)-1]
}

// CodeTotals are the sums for one request code.
type CodeTotals struct {
	Code     int32
	Read     int // of them, Active are to be answered
	Active   int // change
	Pending  int // change
	Ordinary int // answers that are an ordinary outcome
	Errors   int // other answers, and requests that can no longer be answered
}
