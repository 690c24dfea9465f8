package route

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// Join says what the answers of several brokers to one request are joined into.
type Join uint8

// The joins.
const (
	FirstSuccess Join = iota // any that succeeded; else the first broker's
	ErrorWins                // the first that failed; else the first broker's
	OneHit                   // the only one that succeeded; with several 15: the request does not say which is meant
	OfHeartbeats             // one that succeeded, with what all said of heartbeats
)

// Answer is what a broker said to its part of a FanOut, or the joined answer.
type Answer struct {
	Broker  BrokerID // "" of a joined answer that is nobody's
	Silent  bool     // it has not answered in time, or cannot be reached: Code is then 14
	Code    int32
	Remark  string
	Version int32
	Ext     map[string]string
	Body    []byte
}

// Ext fields of the answer to a heartbeat (HeartbeatV2Result.java, ClientManageProcessor.java#heartBeat).
const (
	HeartbeatV2 = "IS_SUPPORT_HEART_BEAT_V2"
	SubChange   = "IS_SUB_CHANGE"
)

// Unanswered is the answer of a broker that has not answered in time, or cannot be reached.
func Unanswered(b BrokerID) Answer {
	return Answer{
		Broker: b, Silent: true, Code: codec.ResServiceNotAvailable,
		Remark: fmt.Sprintf("rocketmq-proxy: broker %q does not answer", b.Name),
	}
}

// Decided reports that more answers would not change the joined one.
func (j Join) Decided(answers []Answer, targets int) bool {
	if len(answers) >= targets {
		return true
	}
	for i := range answers {
		if j == ErrorWins && answers[i].Code != codec.ResSuccess {
			return true
		}
	}
	return false
}

// Answers joins what came, in any order, into what the client gets. version is that of the proxy's own answers, for a
// request that went nowhere.
func (j Join) Answers(answers []Answer, version int32) Answer {
	if len(answers) == 0 {
		return Answer{Code: codec.ResSuccess, Version: version}
	}
	sorted := byBroker(answers)
	switch j {
	case ErrorWins:
		return errorWins(sorted)
	case OneHit:
		return oneHit(sorted)
	case OfHeartbeats:
		return ofHeartbeats(sorted)
	default:
		return firstSuccess(sorted)
	}
}

func byBroker(answers []Answer) []Answer {
	return slices.SortedStableFunc(slices.Values(answers), func(a, b Answer) int { return a.Broker.Compare(b.Broker) })
}

func firstSuccess(answers []Answer) Answer {
	for _, a := range answers {
		if a.Code == codec.ResSuccess {
			return a
		}
	}
	return firstAnswer(answers)
}

// firstAnswer is that of the first broker that answered at all.
func firstAnswer(answers []Answer) Answer {
	for _, a := range answers {
		if !a.Silent {
			return a
		}
	}
	return answers[0]
}

func errorWins(answers []Answer) Answer {
	for _, a := range answers {
		if a.Code != codec.ResSuccess {
			return a
		}
	}
	return answers[0]
}

func oneHit(answers []Answer) Answer {
	var hits []Answer
	for _, a := range answers {
		if a.Code == codec.ResSuccess {
			hits = append(hits, a)
		}
	}
	switch len(hits) {
	case 0:
		return firstAnswer(answers)
	case 1:
		return hits[0]
	}
	var names []string
	for _, a := range hits {
		names = append(names, a.Broker.Name)
	}
	return Answer{
		Code: codec.ResVersionNotSupported, Version: hits[0].Version,
		Remark: fmt.Sprintf("rocketmq-proxy: several brokers (%s) have a message at this offset, and the id does not say which is meant: "+
			"the request has no field \"bname\", and no client version sends it; a listener with brokers = \"port-per-broker\" needs no name",
			strings.Join(names, ", ")),
	}
}

// ofHeartbeats is one answer that succeeded. All of them must support heartbeat V2, for the client sends one kind of them;
// one that wants all subscriptions again is enough; and of versions the lowest counts, by which clients judge what
// their brokers can do.
func ofHeartbeats(answers []Answer) Answer {
	joined := firstSuccess(answers)
	ext, v2, change := map[string]string{}, true, false
	maps.Copy(ext, joined.Ext)
	for _, a := range answers {
		v2 = v2 && a.Ext[HeartbeatV2] == "true"
		change = change || a.Ext[SubChange] == "true"
		if !a.Silent {
			joined.Version = min(joined.Version, a.Version)
		}
	}
	delete(ext, HeartbeatV2)
	delete(ext, SubChange)
	if v2 {
		ext[HeartbeatV2] = "true"
	}
	if change {
		ext[SubChange] = "true"
	}
	joined.Ext = ext
	return joined
}
