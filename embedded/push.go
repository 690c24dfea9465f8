package embedded

import (
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// tell sends the client a request that it does not answer (39, 40, 220).
func (c *connection) tell(code int32, ext map[string]string, body []byte) {
	c.send(c.newRequest(code, codec.FlagOneway, ext, body), 0)
}

// ask sends the client a request and calls done once: with its answer, or with nil when none came in time or the
// connection ended. done runs on a goroutine that holds no lock of the broker's.
func (c *connection) ask(code int32, ext map[string]string, body []byte, wait time.Duration, done func(*codec.Command)) {
	cmd := c.newRequest(code, 0, ext, body)
	stop := c.server.clock.AfterFunc(wait, func() { c.settle(cmd.Opaque, nil) })
	c.mu.Lock()
	closed := c.closed
	if !closed {
		c.calls[cmd.Opaque] = &call{done: done, stop: stop}
	}
	c.mu.Unlock()
	if closed {
		stop()
		go done(nil)
		return
	}
	c.send(cmd, 0)
}

// newRequest gives a request an opaque of this broker's own; a client keeps those apart from its own by the
// response bit.
func (c *connection) newRequest(code, flag int32, ext map[string]string, body []byte) *codec.Command {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opaque++
	return &codec.Command{
		Code: code, Language: codec.Java, Version: codec.Version5_5_0, Opaque: c.opaque, Flag: flag,
		Ext: ext, Body: body,
	}
}

func (c *connection) answered(cmd *codec.Command) { c.settle(cmd.Opaque, cmd) }

func (c *connection) settle(opaque int32, answer *codec.Command) {
	c.mu.Lock()
	call := c.calls[opaque]
	delete(c.calls, opaque)
	c.mu.Unlock()
	if call != nil {
		call.stop()
		call.done(answer)
	}
}
