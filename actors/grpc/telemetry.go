package grpc

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/rocketmq-proxy/rocketmq-proxy/translate"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport/rpc"
)

// telemetry is what a Telemetry call has been told. The stream stays open; Settings come again every few minutes.
type telemetry struct{ client *translate.Client }

func (c *call) telemetry(first []byte) {
	c.stream = &telemetry{}
	c.further(first)
}

// further takes a command of the client.
func (c *call) further(b []byte) {
	m := &pb.TelemetryCommand{}
	if err := proto.Unmarshal(b, m); err != nil {
		c.notGRPC(err.Error())
		c.refuseStream(translate.Unreadable(err))
		return
	}
	s := m.GetSettings()
	if s == nil {
		return // answers to commands that we do not send
	}
	client, err := translate.ReadSettings(s, c.Settings().Names)
	if err != nil {
		c.refuseStream(err)
		return
	}
	c.stream.client = client
	c.client.Uses(client.Group, slices.Concat(client.Topics, client.Subscribed))
	c.ctx.Send(c.session, &streamed{call: c.ctx.Self(), topics: client.Topics})
	topic := client.Topic()
	if client.Group == "" || topic == "" {
		c.settings(translate.DefaultGroup())
		return
	}
	// SDKs start with what they are told first, so the answer does not wait for long; what is known later comes later.
	q := &groupQuery{group: client.Group, topic: topic}
	q.late = func() { c.settings(q.config) }
	c.ask(c.metadata, q, configPatience, func() { c.settings(q.config) }, func() { c.settings(translate.DefaultGroup()) })
}

func (c *call) settings(g translate.Group) {
	c.write(translate.SettingsCommand(c.stream.client.Settings(g)))
}

// refuseStream ends the stream with a reason, and logs it: SDKs show their users that it has ended, and nothing else.
func (c *call) refuseStream(err error) {
	facts := []any{"listener", c.Listener, "client", c.rpc.Remote().String(), "client_id", c.rpc.Metadata("x-mq-client-id"), "reason", err}
	if line, ok := c.Env.Malformed.Allow(c.Env.Now(), facts...); ok {
		c.Env.Log.Warn("grpc client refused", line...)
	}
	c.end(rpc.InvalidArgument(err.Error()))
}

// letGo has the call end soon, if it is one that would go on: a stream asks its client to connect elsewhere, and a poll has found
// nothing. What its broker still delivers is given back.
func (c *call) letGo() {
	c.leaving = true
	switch {
	case c.over:
		return
	case c.polls:
		c.fail(translate.NothingYet())
		return
	case c.stream == nil:
		return
	}
	c.write(translate.ReconnectCommand(c.rpc.Metadata("x-mq-client-id")))
	c.end(rpc.Done)
}
