package messages

import (
	"os"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// A drain has three orders: StopAccepting, then HandOver for each connection while there is a successor, then Drain.

// StopAccepting closes the listening sockets.
type StopAccepting struct{}

// Emptied tells the top supervisor that the drain of a listener has left no connection; the answer to Drain is the one
// of all listeners.
type Emptied struct{}

// Drain asks for an end in good order: what is in flight is finished. Clients are let go one after another within
// Over; those that are never quiet for a moment are closed between two requests near its end.
type Drain struct {
	GoAway bool          // answer 1500 to requests of clients that understand it
	Over   time.Duration // how long it may take until the last client is let go
}

// LetGo asks a connection to end once nothing of it is in flight and it has been quiet for so long.
type LetGo struct{ Quiet time.Duration }

// HandOver asks a connection for everything that another process needs to go on with it. The answer is a
// HandedOverConnection, or NotNow. After the former the connection waits for HandOverDone or HandOverAborted.
type HandOver struct{}

// NotNow refuses a HandOver: the connection is in the middle of something, or (Never) cannot leave this process.
type NotNow struct{ Never bool }

// HandedOverConnection is a connection between two frames. Its descriptors belong to the receiver, or to the connection
// again after HandOverAborted.
type HandedOverConnection struct {
	Client    int   // the client's socket
	Upstreams []int // its upstreams', in the order of the links
	State     ConnectionState
}

// HandOverOutcome is what became of a connection that was offered to another process.
type HandOverOutcome int

// The three outcomes. The side that returns one guarantees that no connection is in two processes.
const (
	HandOverRefused HandOverOutcome = iota // the other process does not have it: it goes on here
	HandedOver                             // the other process has it
	HandOverInDoubt                        // not known which process has it: it ends here
)

// The answers to a connection's HandedOverConnection.
type (
	// HandOverDone says that another process has the connection.
	HandOverDone struct{}
	// HandOverAborted says that the connection goes on in this process.
	HandOverAborted struct{}
)

// How a connection gets the sockets of its upstreams for a hand-over.
type (
	// ReleaseSocket asks the upstream actor of a link for its socket.
	ReleaseSocket struct{ Link uint16 }
	// SocketReleased answers it.
	SocketReleased struct {
		Link  uint16
		FD    int // -1: it has none
		OK    bool
		Never bool
	}
	// ReturnSocket gives the socket back.
	ReturnSocket struct{ FD int }
)

// Discard is for a message whose receiver is gone.
func (m *SocketReleased) Discard() {
	if m.FD >= 0 {
		os.NewFile(uintptr(m.FD), "upstream").Close()
	}
}

// ConnectionState is what a connection remembers, beside its sockets.
type ConnectionState struct {
	Listener  string           `json:"listener"`
	Role      Role             `json:"role"`
	Broker    route.BrokerID   `json:"broker"`
	Language  codec.Language   `json:"language"`
	Version   int32            `json:"version"`
	ClientID  string           `json:"client_id"`
	Consumer  bool             `json:"consumer,omitempty"` // it consumes
	Silent    bool             `json:"silent,omitempty"`   // it has not sent anything whole yet
	Age       time.Duration    `json:"age,omitempty"`      // of the connection, in nanoseconds; 0: not known
	Heartbeat []byte           `json:"heartbeat,omitempty"`
	Confirmed *HeartbeatAnswer `json:"confirmed,omitempty"` // what the broker said to the last heartbeat; nil: nothing
	Upstream  string           `json:"upstream"`            // its address
	Pending   []Pending        `json:"pending,omitempty"`
	OnePort   *OnePortState    `json:"one_port,omitempty"` // of a port for all brokers; nil: it is another port
}

// HeartbeatAnswer is what a broker said to a heartbeat.
type HeartbeatAnswer struct {
	Version   int32 `json:"version"` // of the broker
	V2        bool  `json:"v2,omitempty"`
	SubChange bool  `json:"sub_change,omitempty"`
	Owed      bool  `json:"owed,omitempty"` // the proxy has answered one since, which has yet to reach the broker
}

// Pending is one request that an upstream has yet to answer.
type Pending struct {
	Code     int32          `json:"code"`
	Flag     int32          `json:"flag"`
	Opaque   int32          `json:"opaque"`
	Version  int32          `json:"version"`
	Language codec.Language `json:"language"`
	Encoding codec.Encoding `json:"encoding"`
	NoOpaque bool           `json:"no_opaque,omitempty"`
	Age      time.Duration  `json:"age"`
	Asked    *int64         `json:"asked,omitempty"` // the offset, of a pull
	Dead     bool           `json:"dead,omitempty"`  // answered by the proxy; the upstream's answer is to be dropped
	Link     uint16         `json:"link,omitempty"`  // which upstream, of several
	Pop      *route.Pop     `json:"pop,omitempty"`   // what it pops, if acks of it may come without a handle
}

// Offer asks a listener whether it would adopt a connection. It answers with Adopted or Rejected, and holds nothing.
type Offer struct{ State *ConnectionState }

// Adopt brings a listener a connection of another process. It answers with Adopted or Rejected.
type Adopt struct {
	Conn      transport.Conn
	Upstreams []transport.Conn // in the order of the links
	State     *ConnectionState
	Port      *Port // set by the listener on the way to the connection
}

// Discard is for a message whose receiver is gone. Sockets that were not started may be closed anywhere.
func (m *Adopt) Discard() {
	m.Conn.Close()
	for _, upstream := range m.Upstreams {
		upstream.Close()
	}
}

// The answers to Offer and Adopt.
type (
	// Adopted says that the listener takes, or would take, the connection.
	Adopted struct{}
	// Rejected says why not; the top supervisor answers it for a listener that it does not have.
	Rejected struct{ Reason string }
)

// How another process gets the listening sockets.
type (
	// ShareListeners asks a listener for another descriptor of each of its listening sockets. The top supervisor passes it
	// on by the listener's name.
	ShareListeners struct{ Listener string }
	// SharedListeners answers it.
	SharedListeners struct {
		List []SharedListener
		Err  error // what is missing in the list
	}
	// SharedListener is one listening socket.
	SharedListener struct {
		Listener string // the name
		Address  string // host:port as configured, with the port that is open
		Broker   string // "broker-a/0" for a broker's own port, "" for others
		FD       int    // belongs to the receiver
	}
)
