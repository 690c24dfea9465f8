package chaos

import (
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// processFaults are the faults of any process: it stands still, or it gets a fifth of the time.
func processFaults(p func() *harness.Process) []fault {
	return []fault{
		{"freeze", func(in *injection) error {
			if err := p().Freeze(); err != nil {
				return err
			}
			in.waitUpTo(4 * time.Second)
			return p().Thaw()
		}},
		{"slow", func(in *injection) error {
			for end := time.Now().Add(in.upTo(4 * time.Second)); time.Now().Before(end) && in.ctx.Err() == nil; {
				if err := p().Freeze(); err != nil {
					return err
				}
				time.Sleep(40 * time.Millisecond)
				if err := p().Thaw(); err != nil {
					return err
				}
				time.Sleep(10 * time.Millisecond)
			}
			return nil
		}},
	}
}
