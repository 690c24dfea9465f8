package chaos

import "time"

// clientTarget makes one target of all bare clients. Whole processes of clients are targets of their own (goclient_test.go).
func clientTarget(clients []*bareClient) target {
	one := func(name string, do func(in *injection, c *bareClient, w *wire)) fault {
		return fault{name, func(in *injection) error {
			c := clients[in.rand.IntN(len(clients))]
			if w := c.current(); w != nil {
				in.log("%s: %s", name, c.name)
				do(in, c, w)
			}
			return nil
		}}
	}
	return target{name: "client", faults: []fault{
		one("kill", func(_ *injection, c *bareClient, w *wire) {
			c.die()
			w.kill()
		}),
		one("kill in the middle of a send", func(in *injection, c *bareClient, w *wire) {
			c.die()
			id := messageID("half-"+c.name, c.life())
			c.env.ledger.refuse(id) // nobody may take it for a whole one
			w.killWithin(sendMessageV2, c.env.sendFields(c.name, c.env.brokers[0], 0), numberedBody(id), in.rand.Float64())
		}),
		one("leave", func(_ *injection, _ *bareClient, w *wire) { w.nc.Close() }),
		one("stop reading", func(in *injection, _ *bareClient, w *wire) {
			thaw := w.freeze()
			in.waitUpTo(3 * time.Second)
			thaw()
		}),
		one("read slowly", func(in *injection, _ *bareClient, w *wire) {
			for end := time.Now().Add(in.upTo(3 * time.Second)); time.Now().Before(end) && in.ctx.Err() == nil; {
				thaw := w.freeze()
				time.Sleep(40 * time.Millisecond)
				thaw() // one answer is read, or a few
			}
		}),
	}}
}
