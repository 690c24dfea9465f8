package route

import (
	"fmt"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// Edit is what of a request's header has to change before a broker understands it. It is of listener.unnamed = "balance",
// the dialect of Envoy's filter.
type Edit struct {
	Code   int32
	Handle string // "": the request has one, or needs none
}

// inEnvoysDialect decides about a request that may say less, or otherwise, than brokers understand.
func (r *onePort) inEnvoysDialect() Verdict {
	if v, ok := r.ackWithoutHandle(); ok {
		return v
	}
	return r.recode(r.decide())
}

// pops tells requests that take messages.
func pops(code int32) bool { return code == codec.ReqPopMessage || code == codec.ReqPopMessageEnvoy }

func acks(code int32) bool { return code == codec.ReqAckMessage || code == codec.ReqAckMessageEnvoy }

// balance sends what names no broker to the topic's brokers that take messages, in turn.
func (r *onePort) balance() (Verdict, bool) {
	if !r.o.Balance || !Sends(r.h.Code) && !pops(r.h.Code) {
		return Verdict{}, false
	}
	list, v, ok := r.writable(r.topic())
	switch {
	case !ok:
		return v, true
	case len(list) == 0:
		return Verdict{}, false
	}
	list = preferUp(r.preferInUse(list))
	r.client.Balanced++
	r.client.counted.balanced = true
	return r.to(list[int(r.client.Balanced%uint32(len(list)))]), true
}

// preferInUse leaves out brokers that routes do not show for such a request because of maintenance, unless all are: then it is
// decided as one that names its broker. Those that are read-only are drained by pops.
func (r *onePort) preferInUse(list []*brokerProcess) []*brokerProcess {
	m, topic, most := &r.t.Maintenance, r.topic(), ShowAll
	if pops(r.h.Code) {
		most = ShowReadOnly
	}
	var used []*brokerProcess
	for _, p := range list {
		if name := p.master.Name; !m.Covers(name) && m.Show(p.master.Of, name, topic) <= most {
			used = append(used, p)
		}
	}
	if len(used) == 0 {
		return list
	}
	return used
}

// recode makes a request of Envoy's dialect one that brokers know.
func (r *onePort) recode(v Verdict) Verdict {
	code := r.h.Code
	switch code {
	case codec.ReqPopMessageEnvoy:
		code = codec.ReqPopMessage
	case codec.ReqAckMessageEnvoy:
		code = codec.ReqAckMessage
	default:
		return v
	}
	if v.Action != Relay {
		return v
	}
	if r.h.Encoding != codec.JSON {
		return r.refused(fmt.Sprintf("brokers know it as %s (%d), which a header in the ROCKETMQ encoding cannot carry; send a JSON header",
			codec.RequestCodeName(code), code))
	}
	v.Edit = &Edit{Code: code}
	return v
}

// ackWithoutHandle is for an ack that does not say where its message came from: it goes where this connection popped it.
func (r *onePort) ackWithoutHandle() (Verdict, bool) {
	if !acks(r.h.Code) {
		return Verdict{}, false
	}
	if handle, _ := r.h.Ext(r.raw, "extraInfo"); len(handle) > 0 {
		return Verdict{}, false
	}
	name := r.name()
	if len(name) > 0 && r.o.names[string(name)] == nil {
		return unknownBroker(string(name)), true
	}
	switch found := r.client.popped.find(r.ackOf(), string(name), r.client.Now-int64(r.o.Life)); len(found) {
	case 0:
		return r.refused(fmt.Sprintf("it has no handle in the field \"extraInfo\", and this connection has not popped its message within "+
			"listener.transient_object_life_span (%s); send the handle of the pop's answer", r.o.Life)), true
	case 1:
		return r.withHandle(found[0]), true
	default:
		return r.refused(fmt.Sprintf("it has no handle in the field \"extraInfo\", and this connection popped such a message from several brokers "+
			"or topics (%s, %s); send the handle of the pop's answer", found[0].from(), found[1].from())), true
	}
}

func (r *onePort) withHandle(m *poppedMessage) Verdict {
	p := r.o.names[m.pop.Broker]
	if p == nil {
		return unknownBroker(m.pop.Broker)
	}
	v := r.to(p)
	if v.Action != Relay {
		return v
	}
	if r.h.Encoding != codec.JSON {
		return r.refused("a header in the ROCKETMQ encoding cannot carry its code; send a JSON header")
	}
	v.Edit = &Edit{Code: codec.ReqAckMessage, Handle: m.handle()}
	return v
}

func (r *onePort) refused(why string) Verdict {
	return r.unsaid("cannot pass on %s: %s", r.request(), why)
}
