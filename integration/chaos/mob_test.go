package chaos

import "time"

// clientTarget makes one target of all bare clients. Whole processes of clients are targets of their own (goclient_test.go).
func clientTarget(clients []*chaosClient) target {
	one := func(name string, do func(s *scene, c *chaosClient, w *wire)) torment {
		return torment{name, func(s *scene) error {
			c := clients[s.rand.IntN(len(clients))]
			if w := c.current(); w != nil {
				s.log("%s: %s", name, c.name)
				do(s, c, w)
			}
			return nil
		}}
	}
	return target{name: "client", torments: []torment{
		one("kill", func(_ *scene, c *chaosClient, w *wire) {
			c.die()
			w.kill()
		}),
		one("kill in the middle of a send", func(s *scene, c *chaosClient, w *wire) {
			c.die()
			id := messageID("half-"+c.name, c.life())
			c.arena.ledger.refuse(id) // nobody may take it for a whole one
			w.killWithin(sendMessageV2, sendFields(c.name, c.arena.topic, 0), numberedBody(id), s.rand.Float64())
		}),
		one("leave", func(_ *scene, _ *chaosClient, w *wire) { w.nc.Close() }),
		one("stop reading", func(s *scene, _ *chaosClient, w *wire) {
			thaw := w.freeze()
			s.last(3 * time.Second)
			thaw()
		}),
		one("read slowly", func(s *scene, _ *chaosClient, w *wire) {
			for end := time.Now().Add(s.some(3 * time.Second)); time.Now().Before(end) && s.ctx.Err() == nil; {
				thaw := w.freeze()
				time.Sleep(40 * time.Millisecond)
				thaw() // one answer is read, or a few
			}
		}),
	}}
}
