package route

import (
	"fmt"
	"strings"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// Maintenance is what of a listener's clusters is not to be used for now.
type Maintenance struct {
	All     bool     // cluster.maintenance
	Brokers []string // names (cluster.maintenance_brokers)
	Entries []Maintained
}

// Maintained is something that is in maintenance by itself ([[maintenance]], /api/v1/maintenance): clients are shown less of
// it at once, and requests are refused once they have had time to learn that.
type Maintained struct {
	Cluster, Broker, Topic string // all that are not "" must agree
	Mode                   MaintenanceMode
	Since                  int64 // on the process clock, in nanoseconds
	Grace                  time.Duration
}

// MaintenanceMode is how much of it may still be used.
type MaintenanceMode uint8

// The modes.
const (
	ReadOnly MaintenanceMode = iota // consumers drain it, and producers do not see it
	Off                             // nobody sees it; what ends the work on messages goes on
)

// ModeReadOnly and ModeOff are the modes as configuration, API and state file write them.
const (
	ModeReadOnly = "read-only"
	ModeOff      = "off"
)

// ParseMaintenanceMode reads one; ok is false for any other word.
func ParseMaintenanceMode(word string) (mode MaintenanceMode, ok bool) {
	switch word {
	case ModeReadOnly:
		return ReadOnly, true
	case ModeOff:
		return Off, true
	}
	return 0, false
}

func (m MaintenanceMode) String() string { return [...]string{ModeReadOnly, ModeOff}[m] }

// Covers tells whether all requests for a broker are refused; "" asks for the cluster as a whole.
func (m *Maintenance) Covers(broker string) bool {
	if m.All {
		return true
	}
	for _, b := range m.Brokers {
		if b == broker {
			return true
		}
	}
	return false
}

// Show is how much clients are shown of a topic on a broker. What consumers could not process comes back to topics of their
// group, which are never read-only: the group writes to them until it has drained the others.
func (m *Maintenance) Show(cluster, broker, topic string) Show {
	show := ShowAll
	for i := range m.Entries {
		switch e := &m.Entries[i]; {
		case !e.holds(cluster, broker, topic):
		case e.Mode == Off:
			return ShowNothing
		case !isRetry(topic):
			show = ShowReadOnly
		}
	}
	return show
}

func (e *Maintained) holds(cluster, broker, topic string) bool {
	return (e.Cluster == "" || e.Cluster == cluster) && (e.Broker == "" || e.Broker == broker) && (e.Topic == "" || e.Topic == topic)
}

func isRetry(topic string) bool { return strings.HasPrefix(topic, retryTopic) }

// refuses tells whether a request for a broker is refused. Of entries that overlap the one that forbids more wins, and each has
// the shortest grace of all.
func (m *Maintenance) refuses(cluster, broker string, h *codec.Header, raw []byte, now int64) (why *Maintained) {
	stores := h.Code == codec.ReqSendMessage || h.Code == codec.ReqSendMessageV2 || h.Code == codec.ReqSendBatchMessage
	if endsWork(h.Code) {
		return nil
	}
	f := Facts{Header: h, Raw: raw}
	topic := string(f.Topic())
	grace, found := time.Duration(0), false
	for i := range m.Entries {
		if e := &m.Entries[i]; e.holds(cluster, broker, topic) && (!found || e.Grace < grace) {
			grace, found = e.Grace, true
		}
	}
	if !found {
		return nil
	}
	for i := range m.Entries {
		e := &m.Entries[i]
		if e.holds(cluster, broker, topic) && now-e.Since >= int64(grace) && (e.Mode == Off || stores && !isRetry(topic)) && (why == nil || e.Mode > why.Mode) {
			why = e
		}
	}
	return why
}

// endsWork reports that a request ends the work on messages which a client has got or sent before, or keeps it a member: these
// are never refused.
func endsWork(code int32) bool {
	switch code {
	case codec.ReqHeartBeat, codec.ReqUnregisterClient, codec.ReqUpdateConsumerOffset, codec.ReqConsumerSendMsgBack, codec.ReqEndTransaction,
		codec.ReqAckMessage, codec.ReqBatchAckMessage, codec.ReqAckMessageEnvoy:
		return true
	}
	return false
}

// onBrokerPort decides about a request on the port of a broker.
func (m *Maintenance) onBrokerPort(at Arrival, h *codec.Header, raw []byte) Verdict {
	if len(m.Entries) == 0 {
		return Verdict{}
	}
	if why := m.refuses(at.Cluster, at.Broker.Name, h, raw, at.Now); why != nil {
		return why.refusal()
	}
	return Verdict{}
}

// onOnePort decides about a request on a one-port listener whose brokers are known. A request for many does without those that
// are in maintenance, unless it sets something up, which all must have.
func (m *Maintenance) onOnePort(v Verdict, o *OnePort, at Arrival, h *codec.Header, raw []byte) Verdict {
	if len(m.Entries)+len(m.Brokers) == 0 {
		return v
	}
	refused := func(b BrokerID) (Verdict, bool) {
		if m.Covers(b.Name) {
			return inMaintenance(Arrival{Broker: b}), true
		}
		if why := m.refuses(o.clusterOf(b.Name), b.Name, h, raw, at.Now); why != nil {
			return why.refusal(), true
		}
		return v, false
	}
	switch {
	case v.Action == Relay && v.Broker != nil:
		v, _ = refused(*v.Broker)
	case v.Action == FanOutTo:
		return v.without(refused)
	}
	return v
}

// without leaves those brokers out of a fan-out that refuse it.
func (v Verdict) without(refused func(b BrokerID) (Verdict, bool)) Verdict {
	var last Verdict
	var left []BrokerID
	for _, b := range v.FanOut.Targets {
		if no, is := refused(b); is {
			last = no
		} else {
			left = append(left, b)
		}
	}
	switch {
	case len(left) == len(v.FanOut.Targets):
		return v
	case len(left) == 0 || v.FanOut.Join == ErrorWins:
		return last
	}
	v.FanOut = &FanOut{Targets: left, Join: v.FanOut.Join}
	return v
}

// refusal answers as if the broker were away: synchronous producers try another one at once.
func (e *Maintained) refusal() Verdict {
	var what []string
	for _, part := range [...][2]string{{"topic", e.Topic}, {"broker", e.Broker}, {"cluster", e.Cluster}} {
		if part[1] != "" {
			what = append(what, part[0]+" "+part[1])
		}
	}
	return Verdict{
		Action: Refuse, Reason: InMaintenance, Code: codec.ResServiceNotAvailable,
		Remark: fmt.Sprintf("rocketmq-proxy: %s is in maintenance, %s ([[maintenance]] or /api/v1/maintenance)", strings.Join(what, " of "), e.Mode),
	}
}
